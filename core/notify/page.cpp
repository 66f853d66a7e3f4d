// SPDX-License-Identifier: Apache-2.0
#include "core/notify/page.hpp"

namespace wrktalk::notify {
namespace {

constexpr const char* kFont = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
constexpr const char* kMono = "font-family:ui-monospace,Menlo,Consolas,'Liberation Mono',monospace;font-size:13px";

std::string cell(const std::string& style, const std::string& content) {
  return "<tr><td style=\"" + style + "\">" + content + "</td></tr>\n";
}

std::string heading(const char* text) {
  return std::string("<div style=\"font-size:13px;font-weight:600;color:#57606a;padding-bottom:8px\">") + text +
         "</div>";
}

std::string row_html(const Row& row) {
  return "<tr><td valign=\"top\" style=\"padding:4px 16px 4px 0;color:#57606a;white-space:nowrap\">" +
         html_escaped(row.name) + "</td><td valign=\"top\" style=\"padding:4px 0;width:100%;word-break:break-word\">" +
         html_escaped(row.value) + "</td></tr>\n";
}

std::string step_html(const NextStep& step) {
  std::string out = "<div style=\"padding-bottom:12px;word-break:break-word\">" + html_escaped(step.text);
  if (!step.command.empty()) {
    out += std::string("<br><span style=\"") + kMono +
           ";display:inline-block;margin-top:4px;padding:4px 8px;background:#eef1f4;border-radius:4px\">" +
           html_escaped(step.command) + "</span>";
  }
  return out + "</div>\n";
}

}  // namespace

std::string html_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string as_html(const Page& page) {
  std::string rows;
  for (const auto& row : page.rows) rows += row_html(row);
  std::string steps;
  for (const auto& step : page.next_steps) steps += step_html(step);

  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" "
      "content=\"light\"><title>" +
      html_escaped(page.title) + "</title></head>\n";
  out +=
      std::string("<body style=\"margin:0;padding:0;background:#f3f5f7;color:#1f2328;font-size:15px;line-height:1.5;") +
      kFont + "\">\n";
  out +=
      "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr><td align=\"center\" "
      "style=\"padding:16px 8px\">\n"
      "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" "
      "style=\"max-width:600px;background:#ffffff;border:1px solid #d8dee4;border-top:6px solid " +
      std::string(page.color) + ";border-radius:6px;text-align:left\">\n";
  out += cell("padding:20px 20px 0;font-size:21px;font-weight:600;line-height:1.3", html_escaped(page.title));
  out += cell("padding:8px 20px 16px;word-break:break-word", html_escaped(page.summary));
  if (!rows.empty()) {
    out += cell("padding:12px 20px;border-top:1px solid #eaeef2;font-size:14px",
                "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" "
                "style=\"font-size:14px;line-height:1.4\">\n" +
                    rows + "</table>");
  }
  if (!page.failure.empty()) {
    out += cell("padding:16px 20px;border-top:1px solid #eaeef2",
                heading("What failed") + "<div style=\"" + kMono +
                    ";white-space:pre-wrap;word-break:break-word;background:#fff4f2;border-left:3px solid #c62828;"
                    "padding:10px 12px\">" +
                    html_escaped(page.failure) + "</div>");
  }
  if (!steps.empty()) {
    out += cell("padding:16px 20px 8px;border-top:1px solid #eaeef2;font-size:14px",
                heading("What to do next") + "\n" + steps);
  }
  out += "</table>\n<div style=\"padding:12px;font-size:12px;color:#57606a\">" + html_escaped(page.footer) +
         "</div>\n</td></tr></table></body></html>\n";
  return out;
}

}  // namespace wrktalk::notify
