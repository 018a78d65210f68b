# A private event is read by those it names and by regulators, and by nobody else.
include world.story
as dairy
open: log 500 KGM of milk/L1
secret: ship 10 KGM of milk/L1 to cheese sharing=restricted with=city-market salt=0123456789abcdef
own: log 1 KGM of milk/L2 sharing=private salt=0123456789abcdef
log 1 KGM of milk/L3 sharing=private salt=short                       ! chaincode/salt
log 1 KGM of milk/L3 sharing=secret                                   ! trace/sharing
log 1 KGM of milk/L3 sharing=restricted                               ! trace/sharing
log 1 KGM of milk/L3 sharing=restricted with=nobody                   ! trace/sharing
? trace.GetEvent hash={open.hash}
? trace.GetEvent hash={secret.hash}
? trace.GetEvent hash={own.hash}
as cheese
? trace.GetEvent hash={open.hash}
? trace.GetEvent hash={secret.hash}                                   ! trace/not-reader
receive 10 KGM of milk/L1
as market
? trace.GetEvent hash={secret.hash}
? trace.GetEvent hash={own.hash}                                      ! trace/not-reader
? trace.GetEvent hash=none                                            ! trace/no-event
as regulator
? trace.GetEvent hash={own.hash} keeper=DairyMSP
