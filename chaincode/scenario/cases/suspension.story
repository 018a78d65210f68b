# A suspended company neither acts nor is shipped to.
include world.story
as dairy
log 100 KGM of milk/L1
as harbour-root
party.Suspend id=greenfield-dairy reason=fraud     ! party/not-member-admin
party.Reinstate id=city-market                     ! party/not-suspended
as regulator
party.Suspend id=city-market reason=fraud
party.Suspend id=city-market reason=fraud          ! party/suspended
as dairy
ship 10 KGM of milk/L1 to market                   ! party/suspended
as market
receive 10 KGM of milk/L9                          ! party/suspended
as harbour-root
party.Reinstate id=city-market                     ! party/not-regulator
as regulator
party.Reinstate id=city-market
as harbour-root
party.Suspend id=city-market reason=left
party.Reinstate id=city-market
as dairy
ship 10 KGM of milk/L1 to market
