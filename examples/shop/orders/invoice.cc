#include "invoice.h"

#include <cstdio>
#include <string>
#include <string_view>

#include <google/protobuf/util/time_util.h>

namespace shop {
namespace {

// "19.99 EUR". Every currency that the shop takes has two decimals, and no amount is negative.
std::string text_of(const Money& money) {
  char out[64];
  std::snprintf(out, sizeof out, "%lld.%02lld %s", static_cast<long long>(money.minor_units() / 100),
                static_cast<long long>(money.minor_units() % 100), money.currency().c_str());
  return out;
}

std::string row(std::string_view what, std::string_view count, std::string_view amount) {
  std::string out(what);
  out.resize(std::max<size_t>(out.size(), 32), ' ');
  out.append(std::max<size_t>(6, count.size()) - count.size(), ' ').append(count);
  out.append(std::max<size_t>(16, amount.size()) - amount.size(), ' ').append(amount);
  return out + "\n";
}

std::string as_text(const Order& order) {
  const std::string date = google::protobuf::util::TimeUtil::ToString(order.create_time()).substr(0, 10);
  std::string out = "INVOICE for " + order.name() + "\n" + "Date: " + date + "\nCustomer: " + order.customer() + "\n\n";
  out += row("Product", "Count", "Price") + std::string(54, '-') + "\n";
  for (const auto& item : order.items()) {
    out += row(item.product(), std::to_string(item.quantity()), text_of(item.unit_price()));
  }
  return out + std::string(54, '-') + "\n" + row("Total", "", text_of(order.total()));
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

}  // namespace

google::api::HttpBody invoice(const Order& order, DownloadInvoiceRequest::Format format) {
  google::api::HttpBody body;
  if (format == DownloadInvoiceRequest::HTML) {
    body.set_content_type("text/html; charset=utf-8");
    body.set_data("<!doctype html><meta charset=\"utf-8\"><title>Invoice</title><pre>" + escaped(as_text(order)) +
                  "</pre>\n");
  } else {
    body.set_content_type("text/plain; charset=utf-8");
    body.set_data(as_text(order));
  }
  return body;
}

}  // namespace shop
