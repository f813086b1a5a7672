// FilesEdge: serves a folder of files beside the rpcs: the page that calls them, from the same origin. One a shard.
#pragma once

#include <string>
#include <utility>

#include "edge/files/file_set.h"
#include "net/exchange.h"

namespace parley::edge {

class FilesEdge : public net::ExchangeHandler {
 public:
  // `at`: the path they lie below, "/" or "/shop/". Null serves nothing.
  void swap(files::FileSetPtr files, std::string at) {
    files_ = std::move(files);
    at_ = std::move(at);
  }

  // A GET or HEAD whose path is a file's, or a folder's that has an index.html. A file stands before a route of the
  // same path.
  bool takes(const net::RequestHead& request) const;
  Task<void> serve(net::ServerExchange& exchange) override;

 private:
  struct Found {
    const files::File* file = nullptr;
    bool needs_slash = false;  // a folder that was asked for without its last slash
  };
  Found find(const net::RequestHead& request) const;

  files::FileSetPtr files_;
  std::string at_ = "/";
};

}  // namespace parley::edge
