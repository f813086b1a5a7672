// FilesEdge: serves a folder of files beside the rpcs: the page that calls them, from the same origin. One a shard.
#pragma once

#include <string>
#include <utility>

#include "edge/files/file_set.h"
#include "net/exchange.h"

namespace parley::edge {

class FilesEdge : public net::ExchangeHandler {
 public:
  // `at`: the path they lie below, "/" or "/shop/". Null serves nothing. `fallback`: see answer_page; "": none.
  void swap(files::FileSetPtr files, std::string at, std::string fallback) {
    files_ = std::move(files);
    at_ = std::move(at);
    fallback_ = std::move(fallback);
  }

  // A GET or HEAD whose path is a file's, or a folder's that has an index.html. A file stands before a route of the
  // same path.
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;
  // For a page that has routes of its own in the path: answers with the fallback where a browser goes to an address
  // below `at` (it accepts HTML) that is nobody's. False, and nothing is done, for any other request.
  bool answer_page(net::ServerExchange& exchange) const;

 private:
  struct Found {
    const files::File* file = nullptr;
    bool needs_slash = false;  // a folder that was asked for without its last slash
  };
  Found find(const net::RequestHead& request) const;

  files::FileSetPtr files_;
  std::string at_ = "/";
  std::string fallback_;
};

}  // namespace parley::edge
