// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <optional>
#include <string>
#include <vector>

/// What a tree held when it was unpacked, so that a later look tells what somebody changed in it. What a list does not name is data that came
/// later: nobody looks at it or touches it. Links are never followed.
namespace wrktalk::deploy {

/// Writes the list of all that `tree` holds: for each entry "TYPE DIGEST PATH" and a zero byte. TYPE is d (folder), f (file), x (file that its
/// owner may run) or l (link); DIGEST the SHA-256 of a file's bytes or a link's text, "-" for a folder; PATH begins below `tree`.
/// Throws Error(failed) for what cannot be read or written.
void write_tree_list(const std::string& tree, const std::string& list, base::Pulse& pulse);

/// The listed paths that are gone from `tree` or are something else now, a folder before what lies in it. Nothing when there is no list.
/// Throws what the pulse throws; what cannot be read counts as changed.
std::optional<std::vector<std::string>> changed_in_tree(const std::string& tree, const std::string& list,
                                                        base::Pulse& pulse);

/// Takes these paths, and all that lies below them, out of the list: what is there is data from then on. Nothing without a list. Throws Error(failed).
void drop_from_list(const std::string& list, const std::vector<std::string>& paths);

/// The one folder that everything in the list lies in; empty when there is none such. Nothing without a list.
std::optional<std::string> top_in_list(const std::string& list);

/// Moves each of `paths` from `stored`, another tree of the same release on the same file system, into `tree`. What lies in its way is
/// moved below `aside` first, under the same path. Ended at any moment and called again with what `changed_in_tree` says then, it goes on.
/// Throws Error(failed).
void restore_in_tree(const std::string& tree, const std::vector<std::string>& paths, const std::string& stored,
                     const std::string& aside);

/// The topmost entries of `tree` that the list does not name: data that came later. Nothing when there is no list. Throws what the pulse throws.
std::optional<std::vector<std::string>> data_in_tree(const std::string& tree, const std::string& list,
                                                     base::Pulse& pulse);

/// Moves each of `paths`, data of the tree `from`, to the same place in the tree `to` of the same file system; a folder that lies there already gets what is in
/// it. What `to` has already is `to`'s: the data goes below `aside` then. What we may not move stays, and a link in `to` leads there. Ended at any moment and called again with what `data_in_tree`
/// says then, it goes on. Returns what went aside. Throws Error(failed).
std::vector<std::string> move_data(const std::string& from, const std::vector<std::string>& paths,
                                   const std::string& to, const std::string& aside, base::Pulse& pulse);

}  // namespace wrktalk::deploy
