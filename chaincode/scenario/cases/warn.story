# A brand warns of a serial number that others have copied, and takes it back.
include world.story
as dairy
trace.Warn thing=@milk#S1 reason=counterfeit
trace.Warn thing=01/09506000134352/10/L1/21/S1 reason=stolen
trace.Warn thing=@milk#S2 reason=disliked      ! trace/warning
trace.Warn thing=@milk/L1 reason=counterfeit   ! trace/warning
trace.Warn thing=nonsense reason=counterfeit       ! trace/warning
trace.Warn thing=@foreign#S1 reason=counterfeit ! trace/not-yours-to-warn
as cheese
trace.Warn thing=@milk#S1 reason=counterfeit   ! trace/not-yours-to-warn
trace.Unwarn thing=@milk#S1                    ! trace/not-yours-to-warn
as dairy
trace.Unwarn thing=@milk#S1
trace.Unwarn thing=@milk#S1                    ! trace/no-warning
trace.Unwarn thing=@milk#S9                    ! trace/no-warning
