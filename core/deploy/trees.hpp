// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/base/pulse.hpp"
#include "core/deploy/deployer.hpp"
#include "core/deploy/folders.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// The trees in ROOT/releases, and what says which of them we made. A tree is named VERSION, or VERSION~2, VERSION~3, ... where a tree of
/// that version is in use or is somebody else's.
///
/// ROOT/.wrktalk, a folder of ours that nobody else can write to, holds
///   lock        locked (flock) while a task works on ROOT; its text says who: "process 4711 on web1, task ID attempt 1 of host:web1".
///               Taken from a holder whose lease is over: of an earlier attempt at the same task, or stopped
///   owner       the one target that ROOT belongs to: "host:web1" (host targets alone)
///   lists/NAME  what that tree held when it was unpacked (tree_list.hpp)
///   data        the names of the trees that hold the data of what runs: one, and two while it is moved from the first to the second
///   kept        the paths that are the site's in every tree, one a line
///   overrides/NAME.yml  what compose reads after the files of that tree (compose_override.hpp)
///   changed/ID/NAME  what the task ID found changed in that tree and replaced by what is stored; nobody removes it
///   trees/NAME  says that ROOT/releases/NAME is a tree of ours: "task ID", the task that it was last made for. Written before the tree is
///               made, removed when it is gone.
/// ROOT/releases/.NAME.removed is a recorded tree whose removal has begun.
class Trees {
 public:
  enum class Owner { one_target, any };

  /// Touches nothing yet.
  Trees(std::string root, Owner owner, std::string target, TaskTurn turn);

  const std::string& folder() const noexcept { return folder_; }  ///< ROOT/releases

  /// Makes the folders and locks ROOT until this object goes; again: does nothing. To be called before anything below.
  /// Throws Error(busy) naming who holds it, Error(configuration) when ROOT is another target's, cannot be written to, or could be exchanged by
  /// another user, or when ROOT/releases or ROOT/.wrktalk is a link or not ours alone, Error(lease_lost) when another task, or a later holder of
  /// this one, has taken the lock since.
  void own();

  /// Throws Error(configuration) when ROOT, as far as it can be looked at, belongs to another target.
  void check_owner() const;

  /// The same, but waits up to five seconds for whoever holds ROOT: a task that has ended may be tidying up.
  void own_soon(base::Pulse& pulse);

  /// The path for a tree of `version`: nothing lies there, or a recorded tree of that version that is not in use. Recorded when this
  /// returns. While a tree of this version is in use it is always a new folder: one beside it may be what a task is to put back.
  std::string home(const std::string& version, const Places& in_use);

  /// Where override files lie, ROOT/.wrktalk/overrides.
  std::string overrides() const;
  /// Writes one and returns its path. `name` is a tree's, or begins with a dot.
  std::string write_override(const std::string& name, const std::string& text) const;

  /// Notes what `tree`, just unpacked, holds; nothing for a tree that lies elsewhere.
  void note_contents(const std::string& tree, base::Pulse& pulse) const;
  /// What was changed in `tree` since; nothing when that cannot be told. `own` need not have been called.
  std::vector<std::string> changed(const std::string& tree, base::Pulse& pulse) const;
  /// What was found changed in a tree, and what became of it.
  struct Restored {
    std::string words;    ///< for people; empty: nothing was changed
    std::string problem;  ///< why not all of it could be restored
    /// Throws Error(failed) when there was a problem. `version` is what runs again.
    void require_whole(const std::string& version) const;
  };
  /// Puts the changed entries of `tree` as they were back from `stored`, when it is given: another tree of the same release, of which only
  /// the rest is left then. A problem is returned, so that what ran before can be brought back all the same.
  Restored restore_contents(const std::string& tree, const std::optional<std::string>& stored,
                            base::Pulse& pulse) const;

  /// The topmost entries of a tree that came after it was unpacked; nothing when that cannot be told.
  std::optional<std::vector<std::string>> data_of(const std::string& name, base::Pulse& pulse) const;
  /// The names of our trees that hold data, which nobody may remove or replace.
  std::vector<std::string> with_data(base::Pulse& pulse) const;
  /// Which trees hold the data of what runs, as was noted last.
  std::vector<std::string> data_trees() const;
  /// Moves the data of `from`, and of the trees that were noted, into the tree `to`, and notes that; from the one folder that an archive lay in to the other's. At the
  /// paths of `kept`, below that folder, the data counts, elsewhere what `to` has. Returns a sentence for people; empty when there was none. Throws Error(failed).
  using Data = std::map<std::string, std::vector<std::string>>;  ///< name of a tree: entries
  std::string move_data_to(const std::string& to, const Data& from, const std::vector<std::string>& kept,
                           base::Pulse& pulse) const;

  /// The paths below the releases' tops that are the site's: those of `keep`, and those that were noted of earlier releases and do not lie in one of them
  /// or around one.
  std::vector<std::string> kept_with(const std::vector<std::string>& keep) const;
  /// Notes such paths beside those that were noted before.
  void note_kept(const std::vector<std::string>& paths) const;
  /// What these paths below `top`, a folder in `tree`, hold is not the release's any more, but data that came later.
  void let_go(const std::string& tree, const std::string& top, const std::vector<std::string>& paths) const;
  /// The one folder that all of the tree's archive lay in, else the tree itself.
  std::string top_of(const std::string& tree) const;
  /// Where this task keeps what it moved out of the way in the tree `name`.
  std::string aside_for(const std::string& name) const;

  /// Whether we made it.
  bool is_ours(const std::string& name) const { return maker(name).has_value(); }
  /// Whether this task had it made.
  bool made_by_task(const std::string& name) const;

  /// Lets go of ROOT and removes recorded trees that are not in use, unless their version is in `keep`; of those the newest stays that this task did not make.
  /// Throws what the pulse throws; the rest is removed the next time.
  void tidy(const std::vector<std::string>& keep, const Places& in_use, base::Pulse& pulse);

  /// The tree below `folder()` that a path leads into, whether it exists or not; nothing when it leads elsewhere.
  std::optional<std::string> name_at(const std::string& path) const;
  /// The version in a tree's name; nothing when it can be none.
  static std::optional<std::string> version_in(const std::string& name);

 private:
  void lock();
  bool still_ours() const;
  bool may_be_taken(const std::string& holder) const;
  void record(const std::string& name);
  std::optional<std::string> maker(const std::string& name) const;
  std::vector<std::string> spares(const std::vector<std::string>& keep, const Places& in_use) const;
  std::string ours() const { return root_ + "/.wrktalk"; }
  std::string path_of(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<std::string> move_between(const std::string& from, const std::vector<std::string>& paths,
                                        const std::string& to, const std::string& aside, base::Pulse& pulse) const;
  void clear_way(const std::string& from, const std::string& to, const std::vector<std::string>& kept) const;
  void note_data_trees(const std::vector<std::string>& names) const;
  std::optional<std::string> list_of(const std::string& tree) const;
  void forget(const std::string& name) const;
  std::string override_of(const std::string& name) const;

  std::string root_;
  std::string folder_;
  Owner owner_;
  std::string target_;
  TaskTurn turn_;
  base::Fd trees_;    ///< ROOT/releases: removals go through it, so that nobody can put another folder in its place
  base::Fd ours_;     ///< ROOT/.wrktalk
  base::Fd records_;  ///< ROOT/.wrktalk/trees
  base::Fd lists_;    ///< ROOT/.wrktalk/lists
  base::Fd lock_;
};

}  // namespace wrktalk::deploy
