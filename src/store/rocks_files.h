// RocksDB's file system over Files, so that what tests do to files (forgetting, running full, failing) happens under
// the view too. The operating system's files go by RocksDB's own way, which is the tried one.
#pragma once

#include <memory>

#include <rocksdb/env.h>

#include "store/files.h"

namespace parley::store {

std::unique_ptr<rocksdb::Env> rocks_files(Files& files);

}  // namespace parley::store
