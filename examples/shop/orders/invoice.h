// Invoices, as documents that a person reads.
#pragma once

#include <google/api/httpbody.pb.h>

#include "shop/orders.pb.h"

namespace shop {

// The document with its media type.
google::api::HttpBody invoice(const Order& order, DownloadInvoiceRequest::Format format);

}  // namespace shop
