// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/exit_code.hpp"

#include <stdexcept>
#include <string>

namespace wrktalk::base {

/// Why a caller cannot go on. It picks the exit code and tells whether trying again can help.
enum class Kind {
  failed,           ///< anything that fits nowhere else
  usage,            ///< the words of the command line
  difference,       ///< `verify` found drift
  busy,             ///< somebody else holds the lock or the target
  configuration,    ///< a setting, a credential, a schema version
  database,         ///< the server refused a statement
  connection_lost,  ///< the server cannot be reached, or the session is gone: reconnect first
  unavailable,      ///< another service than the database cannot be reached: Vault
  artifact,         ///< a release that must not be used
  child,            ///< a program that was started failed, could not start, or ran out of time
  put_back,         ///< a deployment failed and was undone
  not_put_back,     ///< a deployment failed and could not be undone
  lease_lost,       ///< the task belongs to somebody else now: touch nothing more
  cancelled,        ///< an operator asked for the task to end
  interrupted,      ///< SIGINT
  terminated,       ///< SIGTERM
};

ExitCode exit_code(Kind kind) noexcept;

/// The one root of everything that is thrown by our code.
///
/// The message is lower case, has no full stop, names the thing, and never holds a secret.
/// The hint is one sentence that starts with a verb, for the operator; it may be empty.
class Error : public std::runtime_error {
 public:
  Error(Kind kind, const std::string& what, std::string hint = {});

  Kind kind() const noexcept { return kind_; }
  const std::string& hint() const noexcept { return hint_; }

  /// Says it in the context that only the caller knows: "CONTEXT: WHAT". In place, so that what is thrown on keeps its
  /// type: `catch (Error& error) { error.add_context(name); throw; }`.
  void add_context(const std::string& context);

 private:
  Kind kind_;
  std::string hint_;
};

/// Throws an Error that ends in the text of `errno`, taken before anything else is called.
[[noreturn]] void throw_errno(Kind kind, const std::string& what, const std::string& hint = {});

}  // namespace wrktalk::base
