# A recall is notified, acknowledged, accounted for to the last kilo, checked and closed.
include world.story
as dairy
log 500 KGM of milk/L1
log 10 KGM of milk/L9
ship 300 KGM of milk/L1 to cheese
ship 100 KGM of milk/L1 to market
as cheese
receive 300 KGM of milk/L1
make 20 KGM of cheddar/C1 from 200 KGM of milk/L1
ship 50 KGM of milk/L1 to harbour
as harbour
receive 50 KGM of milk/L1
as market
receive 100 KGM of milk/L1
sell 60 KGM of milk/L1
as dairy
trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=listeria class=I depth=consumer level=A hours:=12
trace.Notify case=R1 companies:=[]                                                       ! trace/notice
trace.Notify case=R1 companies:=[{"party":"nobody","lots":1}]                            ! trace/notice
trace.Notify case=R1 companies:=[{"party":"city-market","lots":0}]                       ! trace/notice
trace.Notify case=R1 companies:=[{"party":"city-market","lots":1},{"party":"hilltop-cheese","lots":2},{"party":"greenfield-dairy","lots":1}]
as market
trace.Notify case=R1 companies:=[{"party":"city-market","lots":1}]                       ! trace/not-yours-to-release
trace.Acknowledge case=R1
as dairy
later 13h
trace.Notify case=R1 companies:=[{"party":"hilltop-cheese","lots":2}]
# Recalled goods go back to who delivered them, or are destroyed; nothing else.
as harbour
ship 50 KGM of milk/L1 to market disposition=recalled                                    ! trace/recalled
back: ship 20 KGM of milk/L1 to cheese disposition=recalled
destroy 30 KGM of milk/L1
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","destroyed":"30","returned":"20"}]
as cheese
kept: receive 20 KGM of milk/L1 disposition=recalled
retract kept
receive 20 KGM of milk/L1 disposition=recalled
as harbour
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","destroyed":"30","returned":"20"}]
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","destroyed":"30","returned":"21"}]   ! trace/booked-too-much
as market
trace.Reconcile case=R1 lines:=[]                                                        ! trace/booking
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L9","beyond":"1"}]          ! trace/not-concerned
trace.Reconcile case=R9 lines:=[{"lot":"01/09506000134352/10/L1","beyond":"1"}]          ! trace/no-case
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","beyond":"1","unit":"LTR"}]  ! trace/unit
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","beyond":"-1"}]         ! trace/booking
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","quarantined":"41"}]    ! trace/booked-too-much
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","destroyed":"1"}]       ! trace/booked-too-much
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","recovered":"10","beyond":"51"}]    ! trace/booked-too-much
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","quarantined":"30000","recovered":"12500","beyond":"47500","unit":"GRM"}]
as dairy
trace.Release case=R1 reason=done                                                        ! trace/not-reconciled
as market
destroy 10 KGM of milk/L1
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","quarantined":"30","destroyed":"10","recovered":"12.5","beyond":"47.5"}]
? trace.GetCase case=R1
as dairy
trace.CheckConsignee case=R1 party=harbour-logistics method=phone contacted:=true result=acted       ! trace/not-notified
trace.CheckConsignee case=R1 party=city-market method=pigeon contacted:=true result=acted            ! trace/check
trace.CheckConsignee case=R1 party=city-market method=phone contacted:=false result=acted            ! trace/check
trace.CheckConsignee case=R1 party=city-market method=phone contacted:=true result=acted
trace.CheckConsignee case=R1 party=hilltop-cheese method=visit contacted:=false result=no-answer
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","quarantined":"100"}]
trace.Release case=R1 reason=done                                                        ! trace/not-reconciled
trace.Release case=R1 reason=done unreconciled="Hilltop Cheese has ceased trading."
trace.Reconcile case=R1 lines:=[{"lot":"01/09506000134352/10/L1","quarantined":"100"}]   ! trace/case-closed
? trace.GetCase case=R1
# All accounted for: no reason is asked.
trace.Recall id=R2 kind=recall lots=[@milk/L9] reason=glass
trace.Notify case=R2 companies:=[{"party":"greenfield-dairy","lots":1}]
trace.Release case=R2 reason=done                                                        ! trace/not-reconciled
destroy 10 KGM of milk/L9
trace.Reconcile case=R2 lines:=[{"lot":"01/09506000134352/10/L9","destroyed":"10"}]
trace.Release case=R2 reason=done
