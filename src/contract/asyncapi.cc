#include "contract/asyncapi.h"

#include <algorithm>
#include <map>
#include <set>

#include <google/protobuf/descriptor.h>

#include "contract/comments.h"
#include "contract/json_tree.h"
#include "contract/openapi_schema.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

constexpr const char* json_type = "application/json";
constexpr const char* event_type = "application/cloudevents+json";

JsonTree refer_to(const std::string& to) { return {{"$ref", "#/" + to}}; }

// The name of a queue without the slash that a reference would have to escape.
std::string channel_name(const Method& method) { return method.service + "." + method.name; }

JsonTree text_schema(const char* description) { return {{"type", "string"}, {"description", description}}; }

class Document {
 public:
  Document(const Contract& contract, const AsyncApiInfo& info)
      : contract_(contract), info_(info), schemas_(contract.pool()) {}

  JsonTree build() {
    add_topics();
    for (const Service& service : contract_.services()) {
      for (const Method& method : service.methods) {
        if (method.queue) add_queue(method);
        if (method.subscribe) add_subscription(method);
      }
    }
    JsonTree root = {{"asyncapi", "3.0.0"}};
    root.set("info", info());
    root.set("defaultContentType", json_type);
    root.set("servers", servers());
    root.set("channels", channels_);
    root.set("operations", operations_);
    JsonTree components;
    components.set("messages", messages_);
    components.set("schemas", schemas_.components());
    root.set("components", components);
    return root;
  }

 private:
  JsonTree info() const {
    std::string title = info_.title;
    if (title.empty()) {
      std::set<std::string> packages;
      for (const Service& s : contract_.services()) packages.insert(s.descriptor->file()->package());
      for (const std::string& p : packages) title += (title.empty() || p.empty() ? "" : ", ") + p;
    }
    return {{"title", title.empty() ? "API" : title}, {"version", info_.version}};
  }

  JsonTree servers() const {
    const JsonTree host = {{"default", info_.host}, {"description", "Where the node listens."}};
    const JsonTree node = {{"host", "{host}"},
                           {"protocol", "http"},
                           {"description", "HTTP/1.1 and HTTP/2 on one port."},
                           {"variables", JsonTree{{"host", host}}}};
    return {{"node", node}};
  }

  void add_topics() {
    std::map<std::string, std::vector<const EventType*>> topics;
    for (const EventType& event : contract_.events()) topics[event.topic].push_back(&event);
    for (const auto& [topic, events] : topics) {
      JsonTree messages;
      for (const EventType* event : events) messages.set(event->type, event_message(*event));
      channels_.set(topic, JsonTree{{"address", "/topics/" + topic},
                                    {"title", "The topic " + topic},
                                    {"description", topic_description(events)},
                                    {"messages", messages}});
      operation(
          "publish." + topic, "receive", topic, "Publish an event to the topic " + topic,
          "CloudEvents over HTTP, binary, structured or batch: POST. The data is checked against the contract; the "
          "answer comes once the event is on the disk.",
          "POST");
      operation(
          "read." + topic, "send", topic, "Read the topic " + topic,
          "GET with `Accept: text/event-stream`, each event a CloudEvent; `from` is earliest, latest, a time or a "
          "position, and `Last-Event-ID` goes on behind the last one that was seen.",
          "GET");
    }
  }

  static std::string topic_description(const std::vector<const EventType*>& events) {
    std::string out = "Events of one key keep their order.";
    for (const EventType* event : events) {
      if (!event->key_path.empty()) out += " The key of `" + event->type + "` is `" + event->key_path + "`.";
    }
    return out;
  }

  JsonTree event_message(const EventType& event) {
    const pb::Descriptor& type = *contract_.pool().FindMessageTypeByName(event.type);
    if (messages_.find(event.type) == nullptr) {
      JsonTree message = {{"name", event.type}, {"title", type.name()}};
      put_comment(type, message);
      message.set("contentType", event_type);
      message.set("payload", cloud_event(event.type, schemas_.message(type)));
      messages_.set(event.type, message);
    }
    return refer_to("components/messages/" + event.type);
  }

  // CloudEvents 1.0, json-format.md, with what the contract says of it.
  static JsonTree cloud_event(const std::string& type, const JsonTree& data) {
    const JsonTree properties = {
        {"specversion", JsonTree{{"type", "string"}, {"const", "1.0"}}},
        {"id", text_schema("Unique together with `source`.")},
        {"source", JsonTree{{"type", "string"}, {"format", "uri-reference"}, {"description", "Who published it."}}},
        {"type", JsonTree{{"type", "string"}, {"const", type}}},
        {"time", JsonTree{{"type", "string"}, {"format", "date-time"}}},
        {"partitionkey", text_schema("The key; read from the data when it is left out.")},
        {"datacontenttype", JsonTree{{"type", "string"}, {"const", json_type}}},
        {"data", data}};
    return {{"type", "object"},
            {"properties", properties},
            {"required", JsonTree::list({"specversion", "id", "source", "type"})},
            {"additionalProperties", true}};
  }

  void add_queue(const Method& method) {
    const pb::Descriptor& type = *method.descriptor->input_type();
    const std::string channel = channel_name(method);
    const std::string name = "call." + channel;
    JsonTree message = {{"name", type.full_name()}, {"title", type.name()}};
    put_comment(type, message);
    message.set("contentType", json_type);
    message.set("payload", schemas_.message(type));
    messages_.set(name, message);
    std::string description = "A durable queue: calls are stored, and carried out later.";
    if (!method.queue->key_path.empty())
      description += " Calls with equal `" + method.queue->key_path + "` are carried out one at a time, in order.";
    channels_.set(channel,
                  JsonTree{{"address", method.path},
                           {"title", "The queue " + method.path.substr(1)},
                           {"description", description},
                           {"messages", JsonTree{{type.full_name(), refer_to("components/messages/" + name)}}}});
    const std::string comment = comment_of(*method.descriptor);
    operation(channel, "receive", channel, comment.empty() ? spaced_name(method.name) : first_sentence(comment),
              comment, "POST");
  }

  void add_subscription(const Method& method) {
    const std::string& topic = method.subscribe->topic;
    const std::string type = method.descriptor->input_type()->full_name();
    const std::string comment = comment_of(*method.descriptor);
    JsonTree operation = {{"action", "receive"}, {"channel", refer_to("channels/" + topic)}};
    operation.set("summary", comment.empty() ? spaced_name(method.name) : first_sentence(comment));
    operation.set("description", "The group `" + method.subscribe->group + "` is called once for each event.");
    operation.set("messages", JsonTree::list({refer_to("channels/" + topic + "/messages/" + type)}));
    operation.set("x-parley-group", method.subscribe->group);
    operations_.set(channel_name(method), operation);
  }

  void operation(const std::string& name, const char* action, const std::string& channel, const std::string& summary,
                 const std::string& description, const char* http_method) {
    JsonTree out = {{"action", action}, {"channel", refer_to("channels/" + channel)}, {"summary", summary}};
    if (description != summary + ".") out.set_text("description", description);
    const JsonTree http = {{"method", http_method}, {"bindingVersion", "0.3.0"}};
    out.set("bindings", JsonTree{{"http", http}});
    operations_.set(name, out);
  }

  template <class Descriptor>
  static void put_comment(const Descriptor& element, JsonTree& out) {
    const std::string comment = comment_of(element);
    if (comment.empty()) return;
    out.set("summary", first_sentence(comment));
    if (comment != first_sentence(comment) + ".") out.set("description", comment);
  }

  const Contract& contract_;
  const AsyncApiInfo& info_;
  SchemaBook schemas_;
  JsonTree channels_;
  JsonTree operations_;
  JsonTree messages_;
};

}  // namespace

std::string asyncapi_json(const Contract& contract, const AsyncApiInfo& info) {
  return Document(contract, info).build().text();
}

}  // namespace parley::contract
