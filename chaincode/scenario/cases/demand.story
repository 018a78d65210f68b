# A receiver says what the events addressed to it must hold; what lacks it is refused, or flagged where the receiver says so.
include world.story
as dairy
log 500 KGM of milk/L1
early: ship 5 KGM of milk/L1 to cheese
as cheese
trace.Demand profile:=[{}]                                                              ! trace/profile
trace.Demand profile:=[{"fields":["colour"]}]                                           ! trace/profile
trace.Demand profile:=[{"steps":["sailing"],"fields":["readPoint"]}]                    ! trace/profile
trace.Demand profile:=[{"steps":["shipping"],"transactions":["desadv"],"units":["KGM"],"note":"We book by despatch advice."},{"fields":["bizLocation"],"severity":"flag"}]
as dairy
ship 10 KGM of milk/L1 to cheese                                                        ! trace/demand
ship 10000 GRM of milk/L1 to cheese doc=urn:epcglobal:cbv:bt:9506000134352:D1           ! trace/demand
told: ship 10 KGM of milk/L1 to cheese doc=urn:epcglobal:cbv:bt:9506000134352:D1
retract early
ship 10 KGM of milk/L1 to market
as cheese
receive 10 KGM of milk/L1
trace.Demand profile:=[]
as dairy
ship 10 KGM of milk/L1 to cheese
