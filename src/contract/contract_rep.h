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
  std::vector<Service> event_services;
  std::unordered_map<std::string_view, const Service*> by_name;
  std::unordered_map<std::string_view, const Method*> by_path;  // keys are the methods' own paths
  std::vector<EventType> events;
  std::unordered_map<std::string_view, const EventType*> event_by_type;  // keys are the types' own names
  std::unique_ptr<TableSet> tables;
  std::unique_ptr<Router> router;
};

class ContractBuilder {
 public:
  // `services` have their rules and options, `events` their names; tables and what needs them are made here.
  static ContractPtr build(std::unique_ptr<google::protobuf::DescriptorPool> pool,
                           std::vector<const google::protobuf::FileDescriptor*> files, std::vector<Service> services,
                           std::vector<EventType> events, std::vector<Service> event_services);
};

}  // namespace parley::contract
