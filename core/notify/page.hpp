// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace wrktalk::notify {

struct Row {
  std::string name;
  std::string value;
};

struct NextStep {
  std::string text;
  std::string command;  ///< to be copied; empty: none
};

/// What a mail shows, from top to bottom. Plain texts, whatever is in them.
struct Page {
  std::string title;
  const char* color;  ///< of the bar at the top, as CSS has it
  std::string summary;
  std::vector<Row> rows;
  std::string failure;  ///< several lines; empty: nothing failed
  std::vector<NextStep> next_steps;
  std::string footer;
};

/// HTML that mail programs show alike, on a desktop and on a phone: one column, tables, styles on the elements themselves. Loads nothing.
std::string as_html(const Page& page);

/// Text that stands for itself in HTML, also inside an attribute.
std::string html_escaped(const std::string& text);

}  // namespace wrktalk::notify
