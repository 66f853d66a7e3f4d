// SPDX-License-Identifier: Apache-2.0
#include "core/agent/outcome.hpp"

namespace wrktalk::agent {
namespace {

using base::ExitCode;
using queue::Status;

// clang-format off
//                                status             state           exit code               wording                                                                 told          needs hands
constexpr EndingRow kCompleted  = {Status::completed, "applied",      ExitCode::done,         " completed",                                                          "completed",  false};
constexpr EndingRow kUntouched  = {Status::failed,    "untouched",    std::nullopt,           " failed, the target is untouched: ",                                  "failed",     false};
constexpr EndingRow kPutBack    = {Status::failed,    "put_back",     ExitCode::put_back,     " failed and was put back: ",                                          "failed",     false};
constexpr EndingRow kNotPutBack = {Status::failed,    "not_put_back", ExitCode::not_put_back, " failed and COULD NOT BE PUT BACK, manual intervention required: ",  "failed",     true};
// Somebody asked for it to end, and knows: nobody is told.
constexpr EndingRow kStopped    = {Status::cancelled, "untouched",    std::nullopt,           " was ended, the target is untouched: ",                               nullptr,      false};
constexpr EndingRow kStoppedPut = {Status::cancelled, "put_back",     std::nullopt,           " was ended and was put back: ",                                       nullptr,      false};
constexpr EndingRow kStoppedNot = {Status::failed,    "not_put_back", ExitCode::not_put_back, " was ended and COULD NOT BE PUT BACK, manual intervention required: ", "failed",     true};
// clang-format on

}  // namespace

const EndingRow& ending_of(const std::optional<Failure>& failure) {
  if (!failure) return kCompleted;
  const bool stopped = failure->on_request();
  switch (failure->left) {
    case Left::untouched: return stopped ? kStopped : kUntouched;
    case Left::put_back: return stopped ? kStoppedPut : kPutBack;
    case Left::dirty:
    case Left::not_put_back: return stopped ? kStoppedNot : kNotPutBack;
  }
  return kNotPutBack;
}

ExitCode exit_code_of(const std::optional<Failure>& failure) {
  const auto& row = ending_of(failure);
  return row.exit_code ? *row.exit_code : base::exit_code(failure->kind);
}

}  // namespace wrktalk::agent
