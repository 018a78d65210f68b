# Two members admit a third; members vouch for companies of their own.
include world.story
user stranger    StrangerMSP -             admin
user harbour-op  HarbourMSP  harbour-logistics admin
user impostor    HarbourMSP  greenfield-dairy operator
user nobody      DairyMSP    nobody        operator
user fake        DairyMSP    greenfield-dairy regulator
as dairy-root
party.Found members:=[{"id":"X","name":"X","ca":"{file:ca-dairy.pem}"}]                ! party/founded
party.Admit member:={"id":"BankMSP","name":"Banks","ca":"nonsense"}                    ! party/member
party.Admit member:={"id":"BankMSP","name":"Banks","ca":"{file:no-ca.pem}"}            ! party/member
party.Admit member:={"id":"HarbourMSP","name":"Again","ca":"{file:ca-dairy.pem}"}      ! party/member-exists
party.Admit member:={"id":"BankMSP","name":"Banks","ca":"{file:ca-dairy.pem}"}
party.Admit member:={"id":"BankMSP","name":"Banks","ca":"{file:ca-dairy.pem}"}         ! party/second-member
as harbour-root
party.Admit member:={"id":"BankMSP","name":"Banks","ca":"{file:ca-harbour.pem}"}
as authority-root
party.Admit member:={"id":"BankMSP","name":"Banks","ca":"{file:ca-harbour.pem}"}
? party.Members
as stranger
party.Register id=x name=X kinds=[bank]                                                ! party/not-member-admin
as dairy-admin
party.Register id=x name=X kinds=[bank]                                                ! party/not-member-admin
as dairy-root
party.Register id=greenfield-dairy name=X kinds=[bank]                                 ! party/exists
party.Register id=x name=X kinds=[witch]                                               ! party/profile
party.Register id=x name=X kinds=[regulator]                                           ! party/authority
party.Register id=x name=X kinds=[bank] prefixes=[12a]                                 ! party/prefix
party.Register id=x name=X kinds=[bank] prefixes=[95060001345]                         ! party/prefix-taken
party.Register id=x name=X kinds=[bank] prefixes=[95060]                               ! party/prefix-taken
party.Register id=x name=X kinds=[bank] glns=[9506000134353]                           ! party/gln
party.Register id=x name=X kinds=[bank] glns=[9506000134352]                           ! party/gln-taken
party.Change id=x name=X kinds=[bank]                                                  ! party/unknown
party.Change id=hilltop-cheese name="Hilltop Cheese and Butter" kinds=[processor] prefixes=[9520000,9520001]
as dairy-admin
party.Change id=greenfield-dairy name="Greenfield" kinds=[manufacturer] prefixes=[9506000134] glns=[9506000134352,9506000134369]
party.Change id=greenfield-dairy name="Greenfield" kinds=[manufacturer] prefixes=[95061]       ! party/not-member-admin
? party.Get id=greenfield-dairy
? party.Get id=x                                                                       ! party/unknown
? party.List
as impostor
log 1 KGM of milk/L1                                                                   ! party/wrong-member
as nobody
log 1 KGM of milk/L1                                                                   ! party/unknown
as fake
party.Suspend id=city-market reason=fraud                                              ! party/not-regulator
