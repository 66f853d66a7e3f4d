// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/settings/definition.hpp"
#include "core/settings/reader.hpp"

#include <cstddef>

/// A module's settings: one row declares a setting and says which member of the module's struct takes its value, in what form.
namespace wrktalk::settings {

template <class S>
struct Field {
  Definition definition;
  void (*take)(S& out, const Reader& read, const char* key);
};

/// The rows of one module. They are constants of the program.
template <class S>
struct Fields {
  const Field<S>* first;
  std::size_t count;

  template <std::size_t N>
  constexpr Fields(const Field<S> (&rows)[N]) noexcept : first(rows), count(N) {}
  const Field<S>* begin() const noexcept { return first; }
  const Field<S>* end() const noexcept { return first + count; }
};

/// In the order of the rows. Throws Error(configuration).
template <class S>
void read(const Fields<S>& fields, const Reader& reader, S& out) {
  for (const auto& field : fields) field.take(out, reader, field.definition.key);
}

// What a row may say: which member takes the value, and how it is read.

template <auto Member, class S>
void text(S& out, const Reader& read, const char* key) {
  out.*Member = read.text(key);
}
template <auto Member, class S>
void path(S& out, const Reader& read, const char* key) {
  out.*Member = read.path(key);
}
template <auto Member, class S>
void optional_path(S& out, const Reader& read, const char* key) {
  out.*Member = read.optional_path(key);
}
template <auto Member, class S>
void program(S& out, const Reader& read, const char* key) {
  out.*Member = read.program(key);
}
template <auto Member, class S>
void number(S& out, const Reader& read, const char* key) {
  out.*Member = read.number(key);
}
template <auto Member, class S>
void size(S& out, const Reader& read, const char* key) {
  out.*Member = read.size(key);
}
template <auto Member, class S>
void list(S& out, const Reader& read, const char* key) {
  out.*Member = read.list(key);
}
template <auto Member, class S>
void hosts(S& out, const Reader& read, const char* key) {
  out.*Member = read.hosts(key);
}
template <auto Member, class S>
void toggle(S& out, const Reader& read, const char* key) {
  out.*Member = read.yes(key);
}
/// A base::Secret.
template <auto Member, class S>
void secret(S& out, const Reader& read, const char* key) {
  using Type = std::decay_t<decltype(out.*Member)>;
  out.*Member = Type(read.text(key));
}
/// At least `Shortest` milliseconds.
template <auto Member, long Shortest, class S>
void duration(S& out, const Reader& read, const char* key) {
  out.*Member = read.duration(key, std::chrono::milliseconds(Shortest));
}
/// One of `Words`, which are Choices.
template <auto Member, const auto& Words, class S>
void choice(S& out, const Reader& read, const char* key) {
  out.*Member = read.choice(key, Words);
}

}  // namespace wrktalk::settings
