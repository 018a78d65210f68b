# A sensor's alarm is explained by whose sensor it is.
include world.story
user sensors  DairyMSP greenfield-dairy device
let t7 = https://id.gs1.org/8004/9506000134T7
as dairy
trace.RegisterDevice name=t7 title="Truck 7" type=logger thing=@t7 interval:=60 channels:=[{"name":"temperature","unit":"CEL","high":"6"}]
as sensors
hot: observe t7 step=sensor_reporting alarm=9.5
calm: observe t7 step=sensor_reporting
broken: observe t7 step=sensor_reporting fault=85
secret: observe t7 step=sensor_reporting alarm=10.5 sharing=private salt=0123456789abcdef0123
as dairy
trace.ExplainExcursion event={hot.hash} cause=door measure=none
trace.ExplainExcursion event={hot.hash} cause=refrigeration measure=repaired
trace.ExplainExcursion event={broken.hash} cause=sensor measure=repaired
trace.ExplainExcursion event={hot.hash} cause=ghosts measure=none        ! trace/explanation
trace.ExplainExcursion event={hot.hash} cause=door measure=prayed        ! trace/explanation
trace.ExplainExcursion event={calm.hash} cause=door measure=none         ! trace/no-alarm
trace.ExplainExcursion event={secret.hash} cause=door measure=none       ! trace/no-alarm
trace.ExplainExcursion event=nothing cause=door measure=none             ! trace/no-alarm
as cheese
trace.ExplainExcursion event={hot.hash} cause=door measure=none          ! trace/not-your-alarm
as sensors
trace.ExplainExcursion event={hot.hash} cause=door measure=none          ! chaincode/role
