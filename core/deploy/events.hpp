// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

/// What a cluster has noted about the objects of a namespace. Pure.
namespace wrktalk::deploy::events {

/// For `kubectl get events --output`: one line of JSON an event.
extern const char* const kFormat;

/// The warnings that were last seen at `since` ("2026-01-31T12:00:00", UTC) or later, the newest last, a sentence each: "FailedCreate of ReplicaSet
/// web-5c76 (7 times): Error creating: pods ... exceeded quota". Of several with one reason about one object the newest. Lines that are no
/// event are passed over.
std::vector<std::string> warnings(const std::string& lines, const std::string& since);

}  // namespace wrktalk::deploy::events
