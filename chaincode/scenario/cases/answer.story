# A receiving event that names its shipment answers that one, and never another of the same goods.
include world.story
as dairy
log 500 KGM of milk/L1
first: ship 50 KGM of milk/L1 to cheese doc=urn:x:desadv:1
second: ship 50 KGM of milk/L1 to cheese doc=urn:x:desadv:1
third: ship 50 KGM of milk/L1 to market
as cheese
receive 50 KGM of milk/L1 doc=urn:tallyway:shipment:{second.shipment}
? trace.GetShipment shipment={first.shipment}
receive 49 KGM of milk/L1 doc=urn:tallyway:shipment:{second.shipment}  ! trace/shipment-done
receive 50 KGM of milk/L1 doc=urn:tallyway:shipment:{third.shipment}   ! trace/not-addressed
receive 50 KGM of milk/L1 doc=urn:tallyway:shipment:none               ! trace/no-shipment
receive milk#S1 doc=urn:tallyway:shipment:{second.shipment}            ! trace/shipment-done
? trace.LotStatus lot=@milk/L1
# A spent despatch advice alone names no shipment: what is on its way with these goods is taken.
receive 50 KGM of milk/L1 doc=urn:x:desadv:2
? trace.GetShipment shipment={first.shipment}
