// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "core/queue/task.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>

namespace wrktalk::cmd {

/// Prints a task's story as it grows (text output) until the task has ended; then its exit code. ^C leaves the task alone.
base::ExitCode follow(Env& env, db::Session& db, const std::string& id);

/// What a task that has ended stands for; nothing while it has not.
std::optional<base::ExitCode> exit_code_of(const queue::Task& task);

/// When a pending task begins: a time, or "after 1234abcd", the task before it in its chain.
std::string begins(const queue::Task& task);

/// Everything about a task, its events among it.
nlohmann::ordered_json to_json(const queue::Task& task);
nlohmann::ordered_json to_json(const queue::Event& event);
std::string to_line(const queue::Event& event);

/// `text` with `margin` blanks behind each of its line ends: no line of it looks like one of ours.
std::string indented(const std::string& text, std::size_t margin);

}  // namespace wrktalk::cmd
