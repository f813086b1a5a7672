// shop.Orders over gRPC: turns calls into calls of the store. Nothing here waits.
#pragma once

#include <mutex>
#include <set>

#include "shop/orders.grpc.pb.h"
#include "store.h"

namespace shop {

class WatchReactor;

class OrdersService final : public Orders::CallbackService {
 public:
  // `store` outlives the server that runs this.
  explicit OrdersService(Store& store) : store_(store) {}

  // Ends every watch with UNAVAILABLE, and refuses new ones, so that the server can stop.
  void close();

 private:
  template <class T>
  using Writer = grpc::ServerWriteReactor<T>;
  template <class T>
  using Reader = grpc::ServerReadReactor<T>;
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* GetOrder(Context* context, const GetOrderRequest* request, Order* out) override;
  Unary* ListOrders(Context* context, const ListOrdersRequest* request, ListOrdersResponse* out) override;
  Unary* CreateOrder(Context* context, const CreateOrderRequest* request, Order* out) override;
  Unary* UpdateOrder(Context* context, const UpdateOrderRequest* request, Order* out) override;
  Unary* CancelOrder(Context* context, const CancelOrderRequest* request, Order* out) override;
  Writer<Order>* WatchOrder(Context* context, const WatchOrderRequest* request) override;
  Reader<Order>* ImportOrders(Context* context, ImportSummary* out) override;
  Unary* DownloadInvoice(Context* context, const DownloadInvoiceRequest* request, google::api::HttpBody* out) override;
  Reader<UploadAttachmentRequest>* UploadAttachment(Context* context, Attachment* out) override;

  friend class WatchReactor;
  Store& store_;
  std::mutex lock_;
  bool closed_ = false;
  std::set<WatchReactor*> watches_;
};

}  // namespace shop
