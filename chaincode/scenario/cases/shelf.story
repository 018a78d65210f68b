# From the farm to the shelf: milk becomes cheese, cheese is packed, shipped and sold.
include world.story
as dairy
log 500 KGM of milk/L1 expires=2026-12-01
go: ship 480 KGM of milk/L1 to cheese doc=urn:epcglobal:cbv:bt:9506000134352:ASN1
? trace.LotStatus lot=@milk/L1
as cheese
receive 480 KGM of milk/L1 from dairy doc=urn:epcglobal:cbv:bt:9506000134352:ASN1
? trace.GetShipment shipment={go.shipment}
make 40 KGM of cheddar/C1, cheddar#S1 from 400 KGM of milk/L1
pack 30 KGM of cheddar/C1 into P1
pack cheddar#S1, P1 into P2
ship P2 to market-gln
? trace.LotStatus lot=@cheddar/C1
as market
receive P2
unpack P1 from P2
unpack 20 KGM of cheddar/C1 from P1
unpack from P2
sell 5 KGM of cheddar/C1
sell cheddar#S1
destroy 1 KGM of cheddar/C1
observe 4 KGM of cheddar/C1
observe 1 KGM of milk/unheard-of
? trace.LotStatus lot=@cheddar/C1
? trace.LotStatus lot=@cheddar#S1
