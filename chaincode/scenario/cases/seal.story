# What a device measured is sealed once its time is over; what comes late is the next part.
include world.story
user sensors  DairyMSP  greenfield-dairy  device
user others   DairyMSP  hilltop-cheese    device
as dairy
trace.RegisterDevice name=t7 title="Truck 7" type=logger thing=8004/9506000134T7 interval:=60 channels:=[{"name":"temperature","unit":"CEL"}]
as sensors
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T07:15:00Z","part":1,"count":15,"root":"abababababababababababababababababababababababababababababababab"},{"device":"t7","from":"2026-11-20T07:15:00Z","to":"2026-11-20T07:30:00Z","part":1,"count":15,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]
# The same once more is no news.
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T07:15:00Z","part":1,"count":15,"root":"abababababababababababababababababababababababababababababababab"}]
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T07:15:00Z","part":1,"count":15,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]   ! trace/sealed
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T07:15:00Z","part":1,"count":14,"root":"abababababababababababababababababababababababababababababababab"}]   ! trace/sealed
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T07:15:00Z","part":3,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/seal-order
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T07:20:00Z","part":2,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/seal-order
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T07:15:00Z","part":2,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]
? trace.GetSeal owner=greenfield-dairy device=t7 from=2026-11-20T07:00:00Z part:=2
? trace.GetSeal owner=greenfield-dairy device=t7 from=2026-11-20T07:00:00Z part:=3                                                  ! trace/no-seal
trace.Seal windows:=[]                                                                                                              ! trace/seal
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00Z","to":"2026-11-20T06:15:00Z","part":1,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/seal
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:00:00.5Z","to":"2026-11-20T07:15:00Z","part":1,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]  ! trace/seal
trace.Seal windows:=[{"device":"t7","from":"2026-11-18T07:00:00Z","to":"2026-11-20T07:15:00Z","part":1,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/seal
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T17:00:00Z","to":"2026-11-20T17:15:00Z","part":1,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/seal
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T06:00:00Z","to":"2026-11-20T06:15:00Z","part":0,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/seal
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T06:00:00Z","to":"2026-11-20T06:15:00Z","part":1,"count":0,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/seal
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T06:00:00Z","to":"2026-11-20T06:15:00Z","part":1,"count":1,"root":"abc"}]    ! trace/seal
trace.Seal windows:=[{"device":"t9","from":"2026-11-20T06:00:00Z","to":"2026-11-20T06:15:00Z","part":1,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/no-device
as others
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T06:00:00Z","to":"2026-11-20T06:15:00Z","part":1,"count":1,"root":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}]    ! trace/no-device
# What was measured before the end is sealed after it.
as dairy
trace.Decommission device=t7 reason=broken
as sensors
trace.Seal windows:=[{"device":"t7","from":"2026-11-20T07:30:00Z","to":"2026-11-20T07:45:00Z","part":1,"count":15,"root":"abababababababababababababababababababababababababababababababab"}]
