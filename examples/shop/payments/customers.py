"""shop.Customers: who buys, in memory."""

from contract import customers_pb2, customers_pb2_grpc
from errors import invalid, not_found

# id, name, city, country, since
_SAMPLES = [
    ("ada", "Ada Nilsen", "Oslo", "NO", "2021-04-11T09:00:00Z"),
    ("bjorn", "Bjørn Aas", "Bergen", "NO", "2019-11-02T16:30:00Z"),
    ("chloe", "Chloé Laurent", "Lyon", "FR", "2024-02-29T12:00:00Z"),
    ("dmitri", "Dmitri Orlov", "Stockholm", "SE", "2022-08-17T07:45:00Z"),
    ("emeka", "Emeka Obi", "Leeds", "GB", "2025-01-20T18:05:00Z"),
    ("fatima", "Fatima Rahal", "Berlin", "DE", "2023-06-05T10:10:00Z"),
]


def _customer(name: str, display_name: str, city: str, country: str, since: str):
    customer = customers_pb2.Customer(name=f"customers/{name}", display_name=display_name, city=city, country=country)
    customer.since.FromJsonString(since)
    return customer


class Customers(customers_pb2_grpc.CustomersServicer):
    def __init__(self):
        self._customers = {customer.name: customer for customer in (_customer(*sample) for sample in _SAMPLES)}

    async def GetCustomer(self, request, context):
        if request.name not in self._customers:
            await not_found(context, "customer", request.name)
        return self._customers[request.name]

    async def ListCustomers(self, request, context):
        return customers_pb2.ListCustomersResponse(customers=self._customers.values())

    async def BatchGetCustomers(self, request, context):
        if not 1 <= len(request.names) <= 100:
            await invalid(context, {"names": "must be from 1 to 100 names"})
        found = [self._customers[name] for name in request.names if name in self._customers]
        return customers_pb2.BatchGetCustomersResponse(customers=found)
