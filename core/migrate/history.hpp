// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/migrate/ledger.hpp"
#include "core/migrate/migration.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Files against ledger: pure decisions.
namespace wrktalk::migrate {

enum class State {
  applied,
  begun,  ///< a run of a file outside a transaction was cut short: what is there tells how far it came
  pending,
  out_of_order,  ///< pending, but a later one is applied
  changed,       ///< applied, and the file is another one now
  missing,       ///< applied, and there is no such file any more
  unknown,       ///< applied by a newer program: its number is beyond the last file
};
const char* to_string(State state) noexcept;

struct Entry {
  std::int64_t number = 0;
  std::string label;  ///< the number as the set's files write theirs
  std::string name;
  State state = State::pending;
  const Migration* migration = nullptr;  ///< the set's; null for missing and unknown
  std::optional<LedgerRow> row;
};

/// In the order of the numbers. The entries point into `set`.
std::vector<Entry> history(const Set& set, const std::vector<LedgerRow>& ledger);

/// What is wrong with an entry, naming its file; empty for an applied one.
std::string complaint(const Entry& entry);

/// Whether migrations may be applied although a later one is.
enum class Late { refused, allowed };

/// Throws Error when an entry is neither applied nor pending, naming every such file and what to do:
/// `configuration` for unknown ones, `failed` for the others.
void refuse_broken(const std::vector<Entry>& entries, const Set& set, Late late);

/// Throws Error(usage) when the set has no such migration and `number` is not 0.
void refuse_unknown_number(const std::vector<Entry>& entries, std::int64_t number);

/// What `up` applies: all that is not, or not for sure, up to number `to`.
std::vector<const Migration*> pending(const std::vector<Entry>& entries, std::optional<std::int64_t> to);

/// What `down` undoes, the last first: `steps` migrations, or all above number `to` (0: all). Throws Error(failed) when one
/// of them has no down file.
std::vector<const Migration*> to_undo(const std::vector<Entry>& entries, std::size_t steps,
                                      std::optional<std::int64_t> to);

/// The last one that is applied or begun.
const Entry* newest(const std::vector<Entry>& entries) noexcept;

}  // namespace wrktalk::migrate
