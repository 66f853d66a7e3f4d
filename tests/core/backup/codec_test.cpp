// SPDX-License-Identifier: Apache-2.0
#include "core/backup/codec.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace wrktalk;
using namespace wrktalk::backup;

namespace {

constexpr Packing kAll[] = {Packing::none, Packing::gzip, Packing::zstd};

std::string pushed(Codec& codec, const std::string& bytes, std::size_t piece, const std::string& out) {
  for (std::size_t at = 0; at < bytes.size(); at += piece) codec.write(std::string_view(bytes).substr(at, piece));
  codec.end();
  return out;
}

std::string packed(Packing packing, const std::string& bytes, std::size_t piece = 1000) {
  std::string out;
  const auto codec = packer(packing, [&](std::string_view part) { out += part; });
  pushed(*codec, bytes, piece, out);
  return out;
}

std::string unpacked(Packing packing, const std::string& bytes, std::size_t piece = 1000) {
  std::string out;
  const auto codec = unpacker(packing, [&](std::string_view part) { out += part; });
  pushed(*codec, bytes, piece, out);
  return out;
}

std::string sample(std::size_t size) {
  std::string text;
  for (unsigned n = 7; text.size() < size; n = n * 1103515245 + 12345) text += std::to_string(n >> 8) + "\t";
  return text;
}

}  // namespace

TEST_SUITE("backup::Codec") {
  TEST_CASE("what was packed comes back whole, wherever the pieces end") {
    for (const auto packing : kAll) {
      for (const std::size_t size : {0U, 1U, 262'144U, 3'000'000U}) {
        const std::string text = sample(size);
        const std::string bytes = packed(packing, text, 70'000);
        for (const std::size_t piece : {7U, 4096U, 10'000'000U}) {
          if (size > 262'144 && piece < 4096) continue;
          CHECK(unpacked(packing, bytes, piece) == text);
        }
      }
    }
  }

  TEST_CASE("members and frames that follow each other are one text") {
    for (const auto packing : {Packing::gzip, Packing::zstd}) {
      CHECK(unpacked(packing, packed(packing, "one ") + packed(packing, "") + packed(packing, "two"), 3) == "one two");
    }
  }

  TEST_CASE("data that is cut short, damaged or followed by something else is refused") {
    for (const auto packing : {Packing::gzip, Packing::zstd}) {
      const std::string whole = packed(packing, sample(100'000));
      for (const std::size_t size : {std::size_t{1}, whole.size() / 2, whole.size() - 1}) {
        CHECK_THROWS_AS(unpacked(packing, whole.substr(0, size)), base::Error);
      }
      CHECK_THROWS_AS(unpacked(packing, whole + "foreign"), base::Error);
      for (std::size_t at = 20; at < whole.size(); at += whole.size() / 13) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
        CHECK_THROWS_AS(unpacked(packing, flipped), base::Error);
      }
    }
  }
}
