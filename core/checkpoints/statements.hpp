// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The SQL of retention. $1 is always the thread; the tables are found by the search path.
namespace wrktalk::checkpoints::sql {

/// At most $2 threads that follow $1, by a walk through the primary key's index. NULL: from the first.
extern const char* const kThreads;

/// Whether the thread uses a DeltaChannel.
extern const char* const kUsesDelta;

/// The checkpoints that go, oldest first: namespace and id. $2: how many stay in each namespace. $3: what was written then or
/// later stays, ISO 8601 in UTC as LangGraph writes it, so that texts compare; NULL: age does not count. $4: in this namespace
/// alone; NULL: in all.
extern const char* const kDoomed;

// Of the checkpoints $3 in namespace $2.

/// The blobs that they refer to and no other checkpoint does. A blob that nothing refers to yet is none of them: its
/// checkpoint is still being written.
extern const char* const kCountBlobs;
extern const char* const kDeleteBlobs;
extern const char* const kCountWrites;
extern const char* const kDeleteWrites;
extern const char* const kDeleteCheckpoints;
/// Those that stay have no parent any more.
extern const char* const kOrphan;

}  // namespace wrktalk::checkpoints::sql
