// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/decompress.hpp"

#include "core/base/error.hpp"
#include "tests/core/artifact/memory_source.hpp"
#include "tests/support/tar.hpp"

#include <doctest/doctest.h>
#include <zstd.h>

#include <random>

using namespace wrktalk;

namespace {

std::string unpacked(const std::string& packed, std::size_t piece = 4096) {
  test::MemorySource source(packed, piece);
  return test::read_all(*artifact::decompress(source));
}

/// Text that packs to about half, `size` bytes.
std::string sample(std::size_t size) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 16);
  return text;
}

std::string zstd(const std::string& bytes, int level = 3) {
  std::string out(::ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  REQUIRE(::ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

/// A frame that asks for a window of 2^log bytes.
std::string zstd_window(const std::string& bytes, int log) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(::ZSTD_createCCtx(), ::ZSTD_freeCCtx);
  ::ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, log);
  ::ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  std::string out(::ZSTD_compressBound(bytes.size()) + 64, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer buffer{out.data(), out.size(), 0};
  ::ZSTD_compressStream2(context.get(), &buffer, &in, ZSTD_e_continue);
  while (::ZSTD_compressStream2(context.get(), &buffer, &in, ZSTD_e_end) != 0) {
  }
  out.resize(buffer.pos);
  return out;
}

}  // namespace

TEST_SUITE("artifact::decompress") {
  TEST_CASE("gzip comes back whole, wherever the pieces end") {
    const std::string text = sample(3000);
    const std::string packed = test::gzip(text);
    for (std::size_t piece = 1; piece < 300; piece += 7) CHECK(unpacked(packed, piece) == text);
    const std::string large = sample(2'000'000);
    CHECK(unpacked(test::gzip(large), 262'144) == large);
    CHECK(unpacked(test::gzip("")).empty());
  }

  TEST_CASE("several gzip members are one stream, wherever the pieces end") {
    const std::string text = sample(500);
    const std::string packed = test::gzip(text) + test::gzip("") + test::gzip("middle") + test::gzip(text);
    const std::string whole = text + "middle" + text;
    for (std::size_t piece = 1; piece <= packed.size(); ++piece) CHECK(unpacked(packed, piece) == whole);
  }

  TEST_CASE("zeros may follow gzip data, other bytes may not") {
    const std::string packed = test::gzip("text");
    CHECK(unpacked(packed + std::string(10'000, '\0')) == "text");
    for (const char* tail : {"x", "\x1F", "\x1Fx", "garbage that follows"}) {
      CHECK_THROWS_AS(unpacked(packed + tail), base::Error);
    }
    CHECK_THROWS_WITH(unpacked(packed + std::string(10'000, '\0') + "x"), "foreign bytes follow the gzip data");
  }

  TEST_CASE("gzip data that is cut short anywhere is refused") {
    const std::string packed = test::gzip(sample(300));
    for (std::size_t size = 2; size < packed.size(); ++size) {
      CHECK_THROWS_WITH(unpacked(packed.substr(0, size)), "the gzip data is cut short");
    }
  }

  TEST_CASE("no changed bit of gzip data goes unnoticed") {
    const std::string text = sample(2000);
    const std::string packed = test::gzip(text);
    for (std::size_t byte = 10; byte < packed.size(); byte += 3) {
      std::string changed = packed;
      changed[byte] = static_cast<char>(changed[byte] ^ 1 << byte % 8);
      CHECK_THROWS_AS(unpacked(changed), base::Error);
    }
  }

  TEST_CASE("zstd comes back whole, in one frame or several, wherever the pieces end") {
    const std::string text = sample(3000);
    for (std::size_t piece = 1; piece < 3000; piece += 11) {
      CHECK(unpacked(zstd(text), piece) == text);
      CHECK(unpacked(zstd(text) + zstd("") + zstd("end"), piece) == text + "end");
    }
    const std::string large = sample(2'000'000);
    CHECK(unpacked(zstd(large, 19), 262'144) == large);
  }

  TEST_CASE("zstd data that is cut short, or followed by something else, is refused") {
    const std::string packed = zstd(sample(300));
    for (std::size_t size = 4; size < packed.size(); ++size) {
      CHECK_THROWS_WITH(unpacked(packed.substr(0, size)), "the zstd data is cut short");
    }
    CHECK_THROWS_AS(unpacked(packed + "garbage"), base::Error);
    CHECK_THROWS_AS(unpacked(packed + std::string(100, '\0')), base::Error);
  }

  TEST_CASE("a zstd window that would cost much memory is refused with advice") {
    CHECK(unpacked(zstd_window("text", 23)) == "text");
    CHECK_THROWS_WITH(unpacked(zstd_window("text", 27)), "the zstd data needs a window of more than 8 MiB");
  }

  TEST_CASE("other formats are named") {
    CHECK_THROWS_WITH(unpacked(""), "the archive is empty (0 bytes)");
    CHECK_THROWS_WITH(unpacked("PK\x03\x04rest"), "not a tar archive packed with gzip or zstd, but a zip archive");
    CHECK_THROWS_WITH(unpacked("BZh91AY"), "not a tar archive packed with gzip or zstd, but bzip2");
  }

  TEST_CASE("what is not packed passes as it is") { CHECK(unpacked("plain text", 3) == "plain text"); }
}
