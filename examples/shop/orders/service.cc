#include "service.h"

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

class WatchOrderReactor final : public LatestReactor<Order> {
 public:
  WatchOrderReactor(OpenStreams& open, Store& store, const std::string& name) : LatestReactor(open), store_(store) {
    begin([&] { return store_.watch(name, [this](const Order& order) { changed(order); }, id_); });
  }

 private:
  bool is_last(const Order& order) const override { return is_final(order.state()); }
  void unwatch() override { store_.unwatch(id_); }

  Store& store_;
  uint64_t id_ = 0;
};

class WatchSalesReactor final : public LatestReactor<Sales> {
 public:
  WatchSalesReactor(OpenStreams& open, Till& till) : LatestReactor(open), till_(till) {
    begin([&] {
      id_ = till_.watch([this](const Sales& sales) { changed(sales); });
      return grpc::Status::OK;
    });
  }

 private:
  void unwatch() override { till_.unwatch(id_); }

  Till& till_;
  uint64_t id_ = 0;
};

}  // namespace

void OrdersService::close() { open_.close(); }

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
  return new WatchOrderReactor(open_, store_, request->name());  // deletes itself in OnDone
}

grpc::ServerWriteReactor<Sales>* OrdersService::WatchSales(Context* /*context*/, const WatchSalesRequest* /*request*/) {
  return new WatchSalesReactor(open_, till_);  // deletes itself in OnDone
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
