// What a Contract holds, and how it is put together. Inside this folder only.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "contract/contract.h"
#include "contract/message_table.h"
#include "contract/router.h"

namespace parley::contract {

struct Contract::Rep {
  std::unique_ptr<google::protobuf::DescriptorPool> pool;  // services and tables may point into it: destroyed last
  std::vector<const google::protobuf::FileDescriptor*> files;
  std::vector<Service> services;
  std::unordered_map<std::string_view, const Service*> by_name;
  std::unordered_map<std::string_view, const Method*> by_path;  // keys are the methods' own paths
  std::unique_ptr<TableSet> tables;
  std::unique_ptr<Router> router;
};

class ContractBuilder {
 public:
  // `services` have their rules; the rest is made here.
  static ContractPtr build(std::unique_ptr<google::protobuf::DescriptorPool> pool,
                           std::vector<const google::protobuf::FileDescriptor*> files, std::vector<Service> services);
};

}  // namespace parley::contract
