// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Files of NAME=VALUE lines, as compose's two readers take them: v2 has one of its own, v1 has Python's dotenv.
namespace wrktalk::deploy::env {

struct Variable {
  std::string name;
  std::string value;
  std::size_t line = 0;
};

/// One thing that a reader of the file should know. It holds no part of a value.
struct Note {
  std::size_t line = 0;
  std::string text;
};

struct File {
  std::vector<Variable> variables;  ///< as written; of two with one name the last counts
  std::vector<Note> notes;

  /// The value that counts; nullptr when the file does not set it.
  const Variable* find(std::string_view name) const;
};

/// Who reads the file after us.
enum class Reader {
  none,     ///< nobody: `write` makes what compose gets, and a value is what stands there
  compose,  ///< compose itself, in the release's tree: where v1 and v2 differ is noted
  site,     ///< as `none`, and `${file:PATH}` and `${vault:PATH#FIELD}` stand for what the site puts there
};

/// Values in single quotes stand as they are but for `\'`; in double quotes `\n`, `\t`, `\"`, `\\`, `\$` and their like are undone; both may have
/// several lines. Without quotes a value ends before " #", and blanks around it do not count. `$` means nothing, but for `${NAME}`, outside
/// single quotes, of a NAME that the file sets before: both readers put in its value, and so do we.
///
/// Throws Error(artifact) "NAME:LINE: ..." with no part of a value: for what is no NAME=VALUE, a quote that does not end, text behind a
/// closing quote, and what is not UTF-8; with `Reader::none` also for a value that the readers take differently, or that one of them cannot be given.
File read(std::string_view text, const std::string& name, Reader reader = Reader::none);

/// Whether compose and a program's environment can have a variable of this name.
bool is_name(std::string_view name);
/// Whether it would change how the operator's own programs on a host are found and started: a release's says nothing there.
bool is_of_the_machine(std::string_view name);
/// Why one of compose's readers cannot be given this value, in words that hold no part of it; empty when both can.
std::string obstacle(const std::string& value);

/// Every variable of `under` that `over` does not set, then those of `over`.
File merge(const File& under, const File& over);

enum class Dialect { compose_v1, compose_v2 };
/// A text that this reader takes for exactly these variables.
std::string write(const File& file, Dialect dialect);

}  // namespace wrktalk::deploy::env
