// shop.Orders over gRPC: turns calls into calls of the store. Nothing here waits.
#pragma once

#include "latest.h"
#include "shop/orders.grpc.pb.h"
#include "store.h"
#include "till.h"

namespace shop {

class OrdersService final : public Orders::CallbackService {
 public:
  // Both outlive the server that runs this.
  OrdersService(Store& store, Till& till) : store_(store), till_(till) {}

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
  Writer<Sales>* WatchSales(Context* context, const WatchSalesRequest* request) override;
  Reader<Order>* ImportOrders(Context* context, ImportSummary* out) override;
  Unary* DownloadInvoice(Context* context, const DownloadInvoiceRequest* request, google::api::HttpBody* out) override;
  Reader<UploadAttachmentRequest>* UploadAttachment(Context* context, Attachment* out) override;

  Store& store_;
  Till& till_;
  OpenStreams open_;
};

}  // namespace shop
