#include "service.h"

#include <optional>
#include <utility>

#include <zlib.h>

#include "invoice.h"
#include "order.h"
#include "status.h"

namespace shop {
namespace {

constexpr int64_t max_attachment_bytes = 32 << 20;

grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext* context, const grpc::Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

class ImportReactor final : public grpc::ServerReadReactor<Order> {
 public:
  ImportReactor(Store& store, ImportSummary* out) : store_(store), out_(out) { StartRead(&order_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    Order placed;
    if (auto status = store_.create(order_, "", placed); status.ok()) {
      out_->set_imported(out_->imported() + 1);
      out_->add_names(placed.name());
      (*out_->mutable_totals())[placed.total().currency()] += placed.total().minor_units();
    } else {
      auto* rejection = out_->add_rejected();
      rejection->set_index(index_);
      rejection->set_reason(status.error_message());
    }
    ++index_;
    StartRead(&order_);
  }

  void OnDone() override { delete this; }

 private:
  Store& store_;
  ImportSummary* out_;
  Order order_;
  int index_ = 0;
};

class UploadReactor final : public grpc::ServerReadReactor<UploadAttachmentRequest> {
 public:
  UploadReactor(Store& store, Attachment* out) : store_(store), out_(out) { StartRead(&piece_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(order_.empty() ? invalid({{"order", "the first message must name the order"}}) : done());
    if (order_.empty()) start();
    const std::string& data = piece_.file().data();
    out_->set_size_bytes(out_->size_bytes() + static_cast<int64_t>(data.size()));
    if (out_->size_bytes() > max_attachment_bytes)
      return Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "an attachment has at most 32 MiB"});
    out_->set_crc32(
        static_cast<uint32_t>(crc32_z(out_->crc32(), reinterpret_cast<const Bytef*>(data.data()), data.size())));
    StartRead(&piece_);
  }

  void OnDone() override { delete this; }

 private:
  void start() {
    order_ = piece_.order();
    out_->set_file_name(piece_.file_name());
    out_->set_content_type(piece_.file().content_type());
  }

  grpc::Status done() { return store_.attach(order_, *out_); }

  Store& store_;
  Attachment* out_;
  UploadAttachmentRequest piece_;
  std::string order_;
};

}  // namespace

// Sends an order as it changes. A caller that reads slowly gets the newest state, never a backlog.
// Lock order: the store's, then this one's.
class WatchReactor final : public grpc::ServerWriteReactor<Order> {
 public:
  WatchReactor(OrdersService& service, const std::string& name) : service_(service) {
    std::unique_lock hold(service_.lock_);
    service_.watches_.insert(this);
    const bool closed = service_.closed_;
    hold.unlock();
    if (closed) {
      close();
    } else if (auto status = service_.store_.watch(
                   name, [this](const Order& order) { changed(order); }, id_);
               !status.ok()) {
      end(status);
    }
  }

  void close() { end({grpc::StatusCode::UNAVAILABLE, "the service is stopping"}); }

  void OnWriteDone(bool ok) override {
    std::lock_guard hold(lock_);
    writing_ = false;
    if (!ok) return finish({grpc::StatusCode::CANCELLED, "the caller is gone"});
    if (is_final(sending_.state())) return finish(grpc::Status::OK);
    if (pending_) send(*std::exchange(pending_, std::nullopt));
  }

  void OnCancel() override { end({grpc::StatusCode::CANCELLED, "cancelled by the caller"}); }

  void OnDone() override {
    service_.store_.unwatch(id_);
    {
      std::lock_guard hold(service_.lock_);
      service_.watches_.erase(this);
    }
    delete this;
  }

 private:
  void changed(const Order& order) {
    std::lock_guard hold(lock_);
    if (writing_)
      pending_ = order;
    else
      send(order);
  }

  void end(const grpc::Status& status) {
    std::lock_guard hold(lock_);
    finish(status);
  }

  void send(const Order& order) {
    if (finished_) return;
    sending_ = order;
    writing_ = true;
    StartWrite(&sending_);
  }

  void finish(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) Finish(status);
  }

  OrdersService& service_;
  uint64_t id_ = 0;
  std::mutex lock_;
  bool writing_ = false;
  bool finished_ = false;
  Order sending_;  // gRPC reads it until OnWriteDone
  std::optional<Order> pending_;
};

void OrdersService::close() {
  std::lock_guard hold(lock_);
  closed_ = true;
  for (auto* watch : watches_) watch->close();
}

grpc::ServerUnaryReactor* OrdersService::GetOrder(Context* context, const GetOrderRequest* request, Order* out) {
  return finish(context, store_.get(request->name(), *out));
}

grpc::ServerUnaryReactor* OrdersService::ListOrders(Context* context, const ListOrdersRequest* request,
                                                    ListOrdersResponse* out) {
  return finish(context, store_.list(*request, *out));
}

grpc::ServerUnaryReactor* OrdersService::CreateOrder(Context* context, const CreateOrderRequest* request, Order* out) {
  return finish(context, store_.create(request->order(), request->request_id(), *out));
}

grpc::ServerUnaryReactor* OrdersService::UpdateOrder(Context* context, const UpdateOrderRequest* request, Order* out) {
  return finish(context, store_.update(*request, *out));
}

grpc::ServerUnaryReactor* OrdersService::CancelOrder(Context* context, const CancelOrderRequest* request, Order* out) {
  return finish(context, store_.cancel(*request, *out));
}

grpc::ServerWriteReactor<Order>* OrdersService::WatchOrder(Context* /*context*/, const WatchOrderRequest* request) {
  return new WatchReactor(*this, request->name());  // deletes itself in OnDone
}

grpc::ServerReadReactor<Order>* OrdersService::ImportOrders(Context* /*context*/, ImportSummary* out) {
  return new ImportReactor(store_, out);  // deletes itself in OnDone
}

grpc::ServerUnaryReactor* OrdersService::DownloadInvoice(Context* context, const DownloadInvoiceRequest* request,
                                                         google::api::HttpBody* out) {
  Order order;
  auto status = store_.get(request->name(), order);
  if (status.ok()) *out = invoice(order, request->format());
  return finish(context, status);
}

grpc::ServerReadReactor<UploadAttachmentRequest>* OrdersService::UploadAttachment(Context* /*context*/,
                                                                                  Attachment* out) {
  return new UploadReactor(store_, out);  // deletes itself in OnDone
}

}  // namespace shop
