// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tar.hpp"

#include <isa-l/igzip_lib.h>

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <vector>

namespace wrktalk::test {
namespace {

constexpr std::size_t kBlock = 512;

void put(std::string& header, std::size_t at, std::string_view text) { header.replace(at, text.size(), text); }

std::string octal(std::size_t value, int digits) {
  std::vector<char> text(static_cast<std::size_t>(digits) + 1);
  std::snprintf(text.data(), text.size(), "%0*zo", digits, value);
  return text.data();
}

}  // namespace

Tar& Tar::entry(char type, const std::string& path, std::string_view content, unsigned mode, const std::string& target,
                std::size_t claimed) {
  constexpr std::size_t kNameSize = 100;
  if (path.size() > kNameSize) {
    entry('L', "././@LongLink", path + '\0', 0644, "", path.size() + 1);
  }
  std::string header(kBlock, '\0');
  put(header, 0, path.substr(0, kNameSize));
  put(header, 100, octal(mode, 7));
  put(header, 108, octal(0, 7));
  put(header, 116, octal(0, 7));
  put(header, 124, octal(claimed, 11));
  put(header, 136, octal(1'700'000'000, 11));
  put(header, 148, "        ");
  header[156] = type;
  put(header, 157, target);
  put(header, 257,
      std::string_view("ustar\0"
                       "00",
                       8));
  std::size_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, 148, octal(sum, 6) + '\0');
  bytes_ += header;
  bytes_ += content;
  bytes_.append((kBlock - bytes_.size() % kBlock) % kBlock, '\0');
  return *this;
}

Tar& Tar::file(const std::string& path, std::string_view content, unsigned mode) {
  return entry('0', path, content, mode, "", content.size());
}

Tar& Tar::folder(const std::string& path, unsigned mode) { return entry('5', path, "", mode, "", 0); }

Tar& Tar::link(const std::string& path, const std::string& target) { return entry('2', path, "", 0777, target, 0); }

std::string Tar::bytes() const { return bytes_ + std::string(2 * kBlock, '\0'); }

std::string gzip(std::string_view bytes) {
  std::string in(bytes);
  std::string out(bytes.size() + bytes.size() / 1000 + 1024, '\0');
  std::vector<std::uint8_t> level_buffer(ISAL_DEF_LVL1_DEFAULT);
  isal_zstream stream{};
  ::isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.level = 1;
  stream.level_buf = level_buffer.data();
  stream.level_buf_size = static_cast<std::uint32_t>(level_buffer.size());
  stream.next_in = reinterpret_cast<std::uint8_t*>(in.data());
  stream.avail_in = static_cast<std::uint32_t>(in.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  stream.end_of_stream = 1;
  if (::isal_deflate_stateless(&stream) != COMP_OK) throw std::runtime_error("cannot compress");
  out.resize(stream.total_out);
  return out;
}

}  // namespace wrktalk::test
