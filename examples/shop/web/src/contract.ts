// The contract, as `parley typescript` prints it for @parley/web.
import type { BidiStream, ClientStream, ServerStream, Unary } from "@parley/web";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Float = number | "NaN" | "Infinity" | "-Infinity";
export interface Any {
  "@type": string;
  [name: string]: Json;
}

export interface Contract {
  /** Returns one product, by its name or by the number on its label. */
  "shop.Catalog/GetProduct": Unary<GetProductRequest, Product>;
  /** Lists products by name, a page at a time. */
  "shop.Catalog/ListProducts": Unary<ListProductsRequest, ListProductsResponse>;
  /** Returns several products at once. Those that do not exist are left out. */
  "shop.Catalog/BatchGetProducts": Unary<BatchGetProductsRequest, BatchGetProductsResponse>;
  /** Finds products by words in their title and description, the best match first. */
  "shop.Catalog/SearchProducts": Unary<SearchProductsRequest, SearchProductsResponse>;
  /** Lists the categories that products are in. Over REST the answer is a bare array. */
  "shop.Catalog/ListCategories": Unary<ListCategoriesRequest, ListCategoriesResponse>;
  /** Adds a product to the catalog. */
  "shop.Catalog/CreateProduct": Unary<CreateProductRequest, Product>;
  /** Takes a product out of the catalog. */
  "shop.Catalog/DeleteProduct": Unary<DeleteProductRequest, Record<string, never>>;
  /** Sets how many pieces of a product there are. */
  "shop.Catalog/UpdateStock": Unary<UpdateStockRequest, Stock>;
  /** Takes over what the warehouse counted. */
  "shop.Catalog/OnStockChanged": Unary<StockChanged, Record<string, never>>;
  /** Follows the stock: what there is of each product now, then each change. */
  "shop.Catalog/WatchStock": ServerStream<WatchStockRequest, Stock>;
  /** Returns one customer. */
  "shop.Customers/GetCustomer": Unary<GetCustomerRequest, Customer>;
  /** Lists all customers by name. */
  "shop.Customers/ListCustomers": Unary<ListCustomersRequest, ListCustomersResponse>;
  /** Returns several customers at once. Those that do not exist are left out. */
  "shop.Customers/BatchGetCustomers": Unary<BatchGetCustomersRequest, BatchGetCustomersResponse>;
  /** Sends an e-mail. The answer comes once it is stored; mails to one customer are sent in order. */
  "shop.Mailer/SendMail": Unary<Mail, Receipt>;
  /** Tells customers who wait for a product that there is some again. */
  "shop.Mailer/OnStockChanged": Unary<StockChanged, Record<string, never>>;
  /** Lists the mails that were sent, the last one first. */
  "shop.Mailer/ListSentMails": Unary<ListSentMailsRequest, ListSentMailsResponse>;
  /** Says whether the mail server of a domain works. Mails to one that does not fail, and are tried again. */
  "shop.Mailer/SetMailServer": Unary<MailServer, MailServer>;
  /** Returns one order. */
  "shop.Orders/GetOrder": Unary<GetOrderRequest, Order>;
  /** Lists orders, the newest first, a page at a time. */
  "shop.Orders/ListOrders": Unary<ListOrdersRequest, ListOrdersResponse>;
  /** Places an order. Sent again with the same `request_id`, it answers with the order that the first call placed. */
  "shop.Orders/CreateOrder": Unary<CreateOrderRequest, Order>;
  /** Changes the fields that `update_mask` names: the note, the labels, the gift message and where the order goes. */
  "shop.Orders/UpdateOrder": Unary<UpdateOrderRequest, Order>;
  /** Cancels an order that has not been shipped yet. */
  "shop.Orders/CancelOrder": Unary<CancelOrderRequest, Order>;
  /** Follows an order: what it is now, then each change, until it is delivered or cancelled. */
  "shop.Orders/WatchOrder": ServerStream<WatchOrderRequest, Order>;
  /** Follows the till: once a second, what was ordered in that second. However many pages look at it, it is asked for once. */
  "shop.Orders/WatchSales": ServerStream<WatchSalesRequest, Sales>;
  /** Places many orders in one call. A bad order is reported and does not stop the others. */
  "shop.Orders/ImportOrders": ClientStream<Order, ImportSummary>;
  /** Returns the invoice of an order as a document. */
  "shop.Orders/DownloadInvoice": Unary<DownloadInvoiceRequest, HttpBody>;
  /**
   * Attaches a file, such as a photograph of a damaged parcel, to an order. The first message names the order, and the file may come in
   * as many pieces as the caller likes.
   */
  "shop.Orders/UploadAttachment": ClientStream<UploadAttachmentRequest, Attachment>;
  /** Reserves the money. Sent again with the same `request_id`, it answers with the payment that the first call made. */
  "shop.Payments/Authorize": Unary<AuthorizeRequest, Payment>;
  /** Takes money that is reserved, all of it or a part. */
  "shop.Payments/Capture": Unary<CaptureRequest, Payment>;
  /** Gives taken money back, all of it or a part. */
  "shop.Payments/Refund": Unary<RefundRequest, Payment>;
  /** Returns one payment. */
  "shop.Payments/GetPayment": Unary<GetPaymentRequest, Payment>;
  /** Lists the bank's settlements, the oldest first, and then, if asked to, each new one as it comes. */
  "shop.Payments/StreamSettlements": ServerStream<StreamSettlementsRequest, Settlement>;
  /**
   * A conversation: both sides write when they like. The shop greets first, answers each line, and says goodbye when the customer has
   * hung up.
   */
  "shop.Support/Chat": BidiStream<Line, Line>;
  /** Follows a room: the lines that it still has, then each new one. However many pages look at a room, it is asked for once. */
  "shop.Support/WatchRoom": ServerStream<WatchRoomRequest, Line>;
  /** Says something in a room. All who watch it get the line that is returned. */
  "shop.Support/Say": Unary<SayRequest, Line>;
}

/**
 * A body that is not a message: a picture, a page, a file. Over HTTP, `data` is the body as it is and `content_type` its header. In a
 * stream, the type of the first message counts and the data of all are joined.
 */
export interface HttpBody {
  /** The media type, such as `application/pdf`. */
  contentType?: string;
  /** The body. */
  data?: string;
  /** What an application wants to say beside it. */
  extensions?: Any[];
}

/** The answer of an rpc that is queued: the call is stored and will be carried out. */
export interface Receipt {
  /** The id of the stored call; the handler sees it as `parley-message-id`. */
  messageId?: string;
  /** The queue, which has the rpc's name, such as `shop.Mailer/SendMail`. */
  queue?: string;
  /** The key that keeps order, if the queue has one. */
  key?: string;
  /** When the call was stored. */
  acceptTime?: string;
  /** Whether the same call was stored before: then this is its receipt. */
  duplicate?: boolean;
  /** Where the call is in its queue, as the pull API names it. Empty where the queue's backend has no positions. */
  position?: string;
}

/** A postal address. */
export interface Address {
  /** Who receives the parcel. */
  recipient?: string;
  /** Street and number, and whatever else comes before the city. */
  lines?: string[];
  /** The city. */
  city?: string;
  /** The postal code, in whatever form the country writes it. */
  postalCode?: string;
  /** ISO 3166 code of the country, such as `NO`. */
  country?: string;
}

/** A file that belongs to an order. */
export interface Attachment {
  /** The resource name, `orders/{number}/attachments/{number}`. */
  name?: string;
  /** What the file is called. */
  fileName?: string;
  /** The file's media type. */
  contentType?: string;
  /** The file's size in bytes. */
  sizeBytes?: string;
  /** A checksum of the file: CRC-32 as RFC 1952 (gzip) has it. */
  crc32?: number;
}

/** Reserves money. */
export interface AuthorizeRequest {
  /** The order that is paid for. */
  order?: string;
  /** How much to reserve. */
  amount?: Money;
  /** By card. A card that ends in 0002 is always declined, for tests. */
  card?: Card;
  /** By bank transfer. */
  transfer?: BankTransfer;
  /** Chosen by the caller, so that a repeated call reserves the money only once. */
  requestId?: string;
}

/** A transfer from a bank account. */
export interface BankTransfer {
  /** The account's IBAN. */
  iban?: string;
}

/** Asks for several customers. */
export interface BatchGetCustomersRequest {
  /** Their resource names, at most 100. */
  names?: string[];
}

/** Several customers. */
export interface BatchGetCustomersResponse {
  /** Those that exist, in the order asked for. */
  customers?: Customer[];
}

/** Asks for several products. */
export interface BatchGetProductsRequest {
  /** Their resource names, at most 100. */
  names?: string[];
}

/** Several products. */
export interface BatchGetProductsResponse {
  /** Those that exist, in the order asked for. */
  products?: Product[];
}

/** Cancels an order. */
export interface CancelOrderRequest {
  /** The order's resource name. */
  name?: string;
  /** Why, in the customer's words. */
  reason?: string;
}

/** Takes reserved money. */
export interface CaptureRequest {
  /** The payment's resource name. */
  name?: string;
  /** How much to take; all that is reserved when left out. */
  amount?: Money;
}

/** A payment card. The shop never sees its whole number. */
export interface Card {
  /** Who issued it, such as `visa`. */
  brand?: string;
  /** The last four digits of its number. */
  lastFour?: string;
  /** The month in which it expires, 1 to 12. */
  expiryMonth?: number;
  /** The year in which it expires. */
  expiryYear?: number;
}

/** A kind of product. */
export interface Category {
  /** The resource name, such as `categories/lighting`. */
  name?: string;
  /** What it is called. */
  title?: string;
  /** How many products are in it. */
  products?: number;
}

/** Places an order. */
export interface CreateOrderRequest {
  /** The order to place. */
  order?: Order;
  /** Chosen by the caller, so that a repeated call places one order only. */
  requestId?: string;
}

/** Adds a product. */
export interface CreateProductRequest {
  /** The product to add. */
  product?: Product;
  /** The last part of its resource name, such as `oslo-lamp`; made from the title when left out. */
  productId?: string;
}

/** Somebody who buys. */
export interface Customer {
  /** The resource name, such as `customers/ada`. */
  name?: string;
  /** What people call her or him. */
  displayName?: string;
  /** Where she or he lives. */
  city?: string;
  /** ISO 3166 code of the country, such as `NO`. */
  country?: string;
  /** Since when we know each other. */
  since?: string;
}

/** Takes a product out. */
export interface DeleteProductRequest {
  /** The product's resource name. */
  name?: string;
}

/** Asks for the invoice of an order. */
export interface DownloadInvoiceRequest {
  /** The order's resource name. */
  name?: string;
  /** What to write the invoice as. */
  format?: DownloadInvoiceRequestFormat;
}

/** Asks for one customer. */
export interface GetCustomerRequest {
  /** The customer's resource name. */
  name?: string;
}

/** Asks for one order. */
export interface GetOrderRequest {
  /** The order's resource name. */
  name?: string;
}

/** Asks for one payment. */
export interface GetPaymentRequest {
  /** The payment's resource name. */
  name?: string;
}

/** Asks for one product. */
export interface GetProductRequest {
  /** By resource name. */
  name?: string;
  /** By the number on the label. */
  sku?: string;
}

/** What became of a bulk import. */
export interface ImportSummary {
  /** How many orders were placed. */
  imported?: number;
  /** The orders that were not placed. */
  rejected?: ImportSummaryRejection[];
  /** The resource names of the new orders, in the order in which they came. */
  names?: string[];
  /** What the new orders are worth, by currency, in each currency's smallest unit. */
  totals?: { [key: string]: string };
}

/** An order that was not placed. */
export interface ImportSummaryRejection {
  /** Which message of the stream it was, counted from 0. */
  index?: number;
  /** What is wrong with it. */
  reason?: string;
}

/** One line of a conversation. */
export interface Line {
  /** Who wrote it, such as `customers/ada`; the shop writes as `support`. */
  author?: string;
  /** What was written. */
  text?: string;
  /** When it was written. */
  time?: string;
}

/** Asks for the categories. */
export interface ListCategoriesRequest {
}

/** The categories. */
export interface ListCategoriesResponse {
  /** The categories, by name. */
  categories?: Category[];
}

/** Asks for all customers. */
export interface ListCustomersRequest {
}

/** All customers. */
export interface ListCustomersResponse {
  /** The customers, by name. */
  customers?: Customer[];
}

/** Asks for a page of orders. */
export interface ListOrdersRequest {
  /** How many orders to return at most; 20 when left out, never more than 100. */
  pageSize?: number;
  /** The `next_page_token` of the page before this one; empty for the first page. */
  pageToken?: string;
  /** Which orders to list. */
  filter?: ListOrdersRequestFilter;
}

/** Which orders to list. A field that is left out matches every order. */
export interface ListOrdersRequestFilter {
  /** Only orders that are in one of these states. */
  states?: OrderState[];
  /** Only orders of this customer. */
  customer?: string;
  /** Only orders placed at or after this moment. */
  placedAfter?: string;
}

/** A page of orders. */
export interface ListOrdersResponse {
  /** The orders, the newest first. */
  orders?: Order[];
  /** Asks for the next page; empty on the last one. */
  nextPageToken?: string;
  /** How many orders match, over all pages. */
  totalSize?: number;
}

/** Asks for a page of products. */
export interface ListProductsRequest {
  /** How many products to return at most; 20 when left out, never more than 100. */
  pageSize?: number;
  /** The `next_page_token` of the page before this one; empty for the first page. */
  pageToken?: string;
  /** Only products in this category. */
  category?: string;
}

/** A page of products. */
export interface ListProductsResponse {
  /** The products, by name. */
  products?: Product[];
  /** Asks for the next page; empty on the last one. */
  nextPageToken?: string;
}

/** Asks for the mails that were sent. */
export interface ListSentMailsRequest {
  /** Only mails to this customer. */
  customer?: string;
}

/** Mails that were sent. */
export interface ListSentMailsResponse {
  /** The mails, the last one first, at most 100. */
  mails?: SentMail[];
}

/** An e-mail. */
export interface Mail {
  /** The customer's resource name, such as `customers/ada`. */
  customer?: string;
  /** The address. */
  to?: string;
  /** What it is about. */
  subject?: string;
  /** What it says. */
  text?: string;
  /** Equal in a mail that is the same one sent again: it is sent once. Left out: every mail is another one. */
  requestId?: string;
}

/** A mail server. */
export interface MailServer {
  /** The domain it serves, such as `example.com`. */
  domain?: string;
  /** Whether it takes mail at the moment. */
  works?: boolean;
}

/** An exact amount of money. Amounts are integers, so that nothing is ever rounded. */
export interface Money {
  /** ISO 4217 code, such as `EUR`. */
  currency?: string;
  /** The amount in the currency's smallest unit: 1999 with `EUR` is 19.99 euros. JSON carries it as a string, as every 64-bit integer. */
  minorUnits?: string;
}

/** Something that a customer has bought. */
export interface Order {
  /** The resource name, `orders/{number}`. */
  name?: string;
  /** Who ordered, such as `customers/ada`. */
  customer?: string;
  /** How far the order has come. */
  state?: OrderState;
  /** What was ordered, at least one item. */
  items?: OrderItem[];
  /** The sum over all items. */
  total?: Money;
  /** To the customer's door. */
  shipTo?: Address;
  /** To a shop, where the customer collects it. */
  pickup?: Pickup;
  /** Free labels for the shop's own use, such as `channel: web`. */
  labels?: { [key: string]: string };
  /** What is printed on the card. Absent: no card. Empty: a blank card. */
  giftMessage?: string;
  /** A remark for the warehouse. */
  note?: string;
  /** When the order was placed. */
  createTime?: string;
  /** When the order last changed. */
  updateTime?: string;
}

/** One product in an order. */
export interface OrderItem {
  /** The product's resource name, such as `products/oslo-lamp`. */
  product?: string;
  /** How many pieces, at least one. */
  quantity?: number;
  /** The price of one piece. */
  unitPrice?: Money;
}

/** Money for one order. */
export interface Payment {
  /** The resource name, `payments/{number}`. */
  name?: string;
  /** The order that is paid for, such as `orders/1`. */
  order?: string;
  /** How far the payment has come. */
  state?: PaymentState;
  /** How much was reserved. */
  authorized?: Money;
  /** How much was taken. */
  captured?: Money;
  /** How much went back. */
  refunded?: Money;
  /** By card. */
  card?: Card;
  /** By bank transfer. */
  transfer?: BankTransfer;
  /** When the money was reserved. */
  createTime?: string;
}

/** A collection by the customer. */
export interface Pickup {
  /** The shop, such as `stores/bergen`. */
  store?: string;
  /** The last moment at which the parcel is kept. */
  keepUntil?: string;
}

/** Something the shop sells. */
export interface Product {
  /** The resource name, such as `products/oslo-lamp`. */
  name?: string;
  /** The number on the label. */
  sku?: string;
  /** What it is called. */
  title?: string;
  /** What it is, in a sentence or two. */
  description?: string;
  /** The category, such as `categories/lighting`. */
  category?: string;
  /** The price of one piece. */
  price?: Money;
  /** Prices in other countries, by ISO 3166 code. */
  countryPrices?: { [key: string]: Money };
  /** The weight in grams. */
  weightGrams?: number;
  /** What customers think of it, from 1 to 5. Absent: nobody has said yet. */
  rating?: Float;
  /** How long it takes until a parcel leaves the warehouse. */
  shipsWithin?: string;
  /** Whatever else there is to say about it: colours, materials, sizes. */
  attributes?: { [name: string]: Json };
  /** When it came into the catalog. */
  createTime?: string;
}

/** Gives money back. */
export interface RefundRequest {
  /** The payment's resource name. */
  name?: string;
  /** How much to give back; all that was taken when left out. */
  amount?: Money;
  /** Why. */
  reason?: string;
}

/** What was ordered in one second. */
export interface Sales {
  /** The end of that second. */
  time?: string;
  /** How many orders were placed. */
  orders?: number;
  /** What they are worth, in euros; orders in other currencies are counted but not summed. */
  revenue?: Money;
  /** How many orders there are in all. */
  totalOrders?: string;
  /** How many of them are still on their way. */
  openOrders?: string;
}

/** Says something in a room. */
export interface SayRequest {
  /** `rooms/lobby` or `rooms/workshop`. */
  room?: string;
  /** Who says it, such as `customers/ada`. */
  author?: string;
  /** What is said: 1 to 500 characters. */
  text?: string;
}

/** Looks for products. */
export interface SearchProductsRequest {
  /** Words to look for. */
  query?: string;
  /** Only products that cost no more than this. */
  maxPrice?: Money;
  /** Only products rated at least this well. */
  minRating?: Float;
  /** How many products to return at most; 10 when left out. */
  limit?: number;
}

/** What was found. */
export interface SearchProductsResponse {
  /** The products that match, the best first. */
  hits?: SearchProductsResponseHit[];
}

/** A product that matches. */
export interface SearchProductsResponseHit {
  /** The product. */
  product?: Product;
  /** How well it matches; more is better. */
  score?: Float;
}

/** A mail that was sent. */
export interface SentMail {
  /** The mail. */
  mail?: Mail;
  /** How often it was tried, this time included. */
  attempts?: number;
  /** When it was sent. */
  sendTime?: string;
}

/** What the bank paid out for a day. */
export interface Settlement {
  /** The resource name, `settlements/{date}-{currency}`. */
  name?: string;
  /** What was paid out. */
  amount?: Money;
  /** How many payments it covers. */
  payments?: number;
  /** When it was paid out. */
  settleTime?: string;
}

/** How many pieces of a product there are. */
export interface Stock {
  /** The product's resource name. */
  product?: string;
  /** Pieces in the warehouse. */
  onHand?: number;
  /** Pieces that are promised to somebody. */
  reserved?: number;
  /** When this was counted. */
  countTime?: string;
}

/** An event: the warehouse has counted a product. Events of one product arrive in order. */
export interface StockChanged {
  /** The product's resource name, such as `products/oslo-lamp`. */
  product?: string;
  /** Pieces in the warehouse. */
  onHand?: number;
  /** When they were counted. */
  countTime?: string;
}

/** Asks for settlements. */
export interface StreamSettlementsRequest {
  /** Only settlements in this currency; all when left out. */
  currency?: string;
  /** Whether to stay and send each new settlement as it comes. */
  follow?: boolean;
}

/** Changes an order. */
export interface UpdateOrderRequest {
  /** The order, with its name and the new values. */
  order?: Order;
  /** Which fields to change. A PATCH over REST that leaves it out changes the fields in its body. */
  updateMask?: string;
}

/** Sets the stock of a product. */
export interface UpdateStockRequest {
  /** The product and how many pieces there are. */
  stock?: Stock;
}

/** A piece of a file for an order. */
export interface UploadAttachmentRequest {
  /** The order's resource name; the first message says it. */
  order?: string;
  /** A piece of the file, and its content type in the first piece. */
  file?: HttpBody;
  /** What the file is called; the first message says it. */
  fileName?: string;
}

/** Follows an order. */
export interface WatchOrderRequest {
  /** The order's resource name. */
  name?: string;
}

/** Follows a room. */
export interface WatchRoomRequest {
  /** `rooms/lobby` or `rooms/workshop`. */
  name?: string;
}

/** Follows the till. */
export interface WatchSalesRequest {
}

/** Follows the stock. */
export interface WatchStockRequest {
  /** Only these products; all when left out. */
  products?: string[];
  /** Ends the stream after what there is now, without waiting for changes. */
  snapshotOnly?: boolean;
}

/** What an invoice can be written as. */
export type DownloadInvoiceRequestFormat = "TEXT" | "HTML";

/** How far an order has come. */
export type OrderState = "STATE_UNSPECIFIED" | "PLACED" | "PAID" | "PACKED" | "SHIPPED" | "DELIVERED" | "CANCELLED";

/** How far a payment has come. */
export type PaymentState = "STATE_UNSPECIFIED" | "AUTHORIZED" | "CAPTURED" | "REFUNDED" | "DECLINED";
