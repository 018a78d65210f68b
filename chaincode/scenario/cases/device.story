# A company stands for its devices: registers, calibrates, attaches and ends them.
include world.story
user sensors  DairyMSP greenfield-dairy device
let truck = https://id.gs1.org/8004/9506000134TRUCK
let t7    = https://id.gs1.org/8004/9506000134T7
as dairy
one: trace.RegisterDevice name=gate title=Gateway type=gateway thing=8004/9506000134GATE interval:=60
trace.RegisterDevice name=t7 title="Truck 7" titleZh=七号车 type=logger model=TL-2 serial=77 class=0.5 thing=@t7 interval:=60 via=gate channels:=[{"name":"temperature","unit":"CEL","low":"0","high":"6","grace":600},{"name":"door","unit":""}] mapping:={"temperature":"/t"}
# Said again, it is changed.
trace.RegisterDevice name=t7 title="Truck 7" type=logger thing=@t7 interval:=30 channels:=[{"name":"temperature","unit":"CEL","low":"-25","high":"-18"}]
? trace.GetDevice owner=greenfield-dairy name=t7
? trace.GetDevice owner=greenfield-dairy name=t8                                                                    ! trace/no-device
trace.RegisterDevice name=T8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]                ! trace/device
trace.RegisterDevice name=t8 title= type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]                  ! trace/device
trace.RegisterDevice name=t8 title=T8 type=spy thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]                   ! trace/device
trace.RegisterDevice name=t8 title=T8 type=logger class=9 thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]        ! trace/device
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=0 channels:=[{"name":"temperature","unit":"CEL"}]                 ! trace/device
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60                                                                ! trace/device
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"Temp","unit":"CEL"}]                       ! trace/device
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"HOT"}]                ! trace/device
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"door","unit":""},{"name":"door","unit":""}] ! trace/device
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL","low":"6","high":"2"}] ! trace/device-limits
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL","grace":-1}]     ! trace/device-limits
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL","total":86401}]     ! trace/device-limits
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL","stuck":-1}]     ! trace/device-limits
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL","jump":"0"}]     ! trace/device-limits
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}] still:=86401     ! trace/device-fence
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}] fence:=[{"latitude":"90.1","longitude":"0","radius":5}]     ! trace/device-fence
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}] fence:=[{"latitude":"9","longitude":"-180.5","radius":5}]     ! trace/device-fence
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}] fence:=[{"latitude":"9","longitude":"9","radius":0}]     ! trace/device-fence
trace.RegisterDevice name=t6 title="Truck 6" type=tracker thing=8004/9506000134T6 interval:=60 channels:=[{"name":"temperature","unit":"CEL","high":"6","total":3600,"stuck":7200,"jump":"10"}] fence:=[{"latitude":"39.9","longitude":"116.4","radius":50000}] still:=1800
trace.RegisterDevice name=t8 title=T8 type=logger thing=@milk/L1 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]                         ! trace/device-thing
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9520000T8 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]                   ! trace/device-thing
trace.RegisterDevice name=t8 title=T8 type=logger thing=@t7 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]                              ! trace/device-thing
trace.RegisterDevice name=t8 title=T8 type=logger thing=8004/9506000134T8 via=nobody interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]     ! trace/no-device
as sensors
trace.RegisterDevice name=t9 title=T9 type=logger thing=8004/9506000134T9 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]                ! chaincode/role
# Calibration.
as dairy
trace.Calibrate device=t7 number=CAL-1 issuer="Metrology Lab" on=2026-05-01 until=2027-05-01
trace.Calibrate device=t8 number=CAL-1 issuer="Metrology Lab" on=2026-05-01 until=2027-05-01                        ! trace/no-device
trace.Calibrate device=t7 number= issuer="Metrology Lab" on=2026-05-01 until=2027-05-01                             ! trace/calibration
trace.Calibrate device=t7 number=CAL-1 issuer="Metrology Lab" on=2029-05-01 until=2030-05-01                        ! trace/calibration
trace.Calibrate device=t7 number=CAL-1 issuer="Metrology Lab" on=2026-05-01 until=2026-05-01                        ! trace/calibration
trace.Calibrate device=t7 number=CAL-1 issuer="Metrology Lab" on=2026-05-01 until=2027-05-01 document=x             ! trace/calibration
# It rides on one thing at a time, and nobody else's.
as cheese
attach t7 to truck                                                                                                  ! trace/not-your-device
as dairy
on: attach t7 to truck
attach t7 to P1                                                                                                     ! trace/device-attached
trace.Decommission device=t7 reason=lost                                                                            ! trace/device-attached
trace.RegisterDevice name=t7 title="Truck 7" type=logger thing=8004/9506000134T77 interval:=30 channels:=[{"name":"temperature","unit":"CEL"}] ! trace/device-attached
# A device says what it measured, of itself and of the goods, and nothing else.
log 100 KGM of milk/L1
as sensors
observe t7, truck, 40 KGM of milk/L1 step=sensor_reporting
observe t7, urn:x:stranger step=sensor_reporting
observe t7 step=inspecting                                                                                          ! chaincode/role
log 100 KGM of milk/L2                                                                                              ! chaincode/role
ship 100 KGM of milk/L1 to market                                                                                   ! chaincode/role
# Its end.
as dairy
detach t7 from truck
trace.Decommission device=t7 reason=bored                                                                           ! trace/decommission
trace.Decommission device=t7 reason=lost
trace.Decommission device=t7 reason=lost                                                                            ! trace/device-ended
trace.RegisterDevice name=t7 title="Truck 7" type=logger thing=@t7 interval:=30 channels:=[{"name":"temperature","unit":"CEL"}] ! trace/device-ended
trace.Calibrate device=t7 number=CAL-2 issuer="Metrology Lab" on=2026-05-01 until=2027-05-01                        ! trace/device-ended
attach t7 to truck time=2026-11-20T09:50:00Z                                                                        ! trace/device-ended
