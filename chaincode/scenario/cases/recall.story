# A recall reaches everything made of the lot, across companies, and lets it go home or be destroyed only.
include world.story
as dairy
log 500 KGM of milk/L1
log 100 KGM of milk/L2
ship 400 KGM of milk/L1 to cheese
as cheese
receive 400 KGM of milk/L1
make 20 KGM of cheddar/C1, cheddar#S1 from 200 KGM of milk/L1 lot=C1
make 5 KGM of cheddar/C2 from 5 KGM of cheddar/C1
make from 100 KGM of milk/L1 run=urn:example:kettle:1
pack 5 KGM of cheddar/C1 into P1
ship 10 KGM of cheddar/C1 to market
ship cheddar#S1 to market
as market
receive 10 KGM of cheddar/C1
as regulator
trace.Recall id=M1 kind=mock lots=[@milk/L1] reason=exercise
as market
sell 1 KGM of cheddar/C1
as regulator
trace.Release case=M1 reason=over
trace.Release case=M1 reason=over                                   ! trace/case-closed
trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=listeria code=listeria
trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=listeria      ! trace/case-exists
trace.Recall id=R2 kind=warning lots=[@milk/L1] reason=listeria     ! trace/case
trace.Recall id=R2 kind=recall lots=[] reason=listeria              ! trace/case
trace.Recall id=R2 kind=recall lots=[@milk/L2] reason=              ! trace/case
? trace.LotStatus lot=@cheddar/C2
observe 1 KGM of milk/L1
ship 1 KGM of milk/L1 to dairy                                      ! chaincode/role
as dairy
ship 1 KGM of milk/L1 to harbour                                    ! trace/recalled
as cheese
make 1 KGM of cheddar/C3 from 1 KGM of milk/L1                      ! trace/recalled
make 1 KGM of cheddar/C4 from run=urn:example:kettle:1              ! trace/recalled
ship 1 KGM of cheddar/C2 to market                                  ! trace/recalled
ship P1 to market                                                   ! trace/recalled
ship 1 KGM of milk/L1 to dairy                                      ! trace/recalled
ship 1 KGM of milk/L1 to dairy disposition=recalled
ship 1 KGM of milk/L1 to market disposition=returned                ! trace/recalled
destroy 2 KGM of milk/L1
as dairy
receive 1 KGM of milk/L1
as market
sell 1 KGM of cheddar/C1                                            ! trace/recalled
receive cheddar#S1                                                  ! trace/recalled
receive cheddar#S1 disposition=non_sellable_other
sell cheddar#S1                                                     ! trace/recalled
trace.Acknowledge case=R1 found:=[{"lot":"01/09520000000011/10/C1","amount":"9000","unit":"GRM"}]
trace.Acknowledge case=R1 found:=[{"lot":"01/09506000134352/10/L2","amount":"1"}]  ! trace/not-concerned
trace.Acknowledge case=R9                                           ! trace/no-case
trace.Release case=R1 reason=please                                 ! trace/not-yours-to-release
trace.Recall id=R3 kind=hold lots=[@cheddar/C1] reason=smell        ! trace/not-yours-to-block
trace.Extend case=R1
? trace.GetCase case=R1
? trace.GetCase case=R9                                             ! trace/no-case
as regulator
trace.Release case=R1 reason=harmless
as market
sell 1 KGM of cheddar/C1
# A lot that nobody has logged here is recalled before it arrives.
as regulator
trace.Recall id=R4 kind=recall lots=[@foreign/F1] reason=glass
as market
receive 5 KGM of foreign/F1                                         ! trace/recalled
receive 5 KGM of foreign/F1 disposition=recalled
sell 1 KGM of foreign/F1                                            ! trace/recalled
