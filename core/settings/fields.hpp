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

template <class S, class T>
S owner_of(T S::*);

/// What most rows say: the member takes what this verb of Reader gives.
template <auto Member, auto Verb>
void take(decltype(owner_of(Member))& out, const Reader& read, const char* key) {
  out.*Member = (read.*Verb)(key);
}
template <auto Member>
constexpr auto text = take<Member, &Reader::text>;
template <auto Member>
constexpr auto path = take<Member, &Reader::path>;
template <auto Member>
constexpr auto optional_path = take<Member, &Reader::optional_path>;
template <auto Member>
constexpr auto program = take<Member, &Reader::program>;
template <auto Member>
constexpr auto number = take<Member, &Reader::number>;
template <auto Member>
constexpr auto size = take<Member, &Reader::size>;
template <auto Member>
constexpr auto list = take<Member, &Reader::list>;
template <auto Member>
constexpr auto hosts = take<Member, &Reader::hosts>;
template <auto Member>
constexpr auto toggle = take<Member, &Reader::yes>;

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
