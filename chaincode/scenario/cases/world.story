# Three members found the network; each vouches for its companies.
user dairy-root     DairyMSP     -                 admin
user harbour-root   HarbourMSP   -                 admin
user authority-root AuthorityMSP -                 admin
user dairy          DairyMSP     greenfield-dairy  operator
user dairy-admin    DairyMSP     greenfield-dairy  admin
user cheese         DairyMSP     hilltop-cheese    operator
user harbour        HarbourMSP   harbour-logistics operator
user market         HarbourMSP   city-market       operator
user regulator      AuthorityMSP food-safety       regulator
let milk     = https://id.gs1.org/01/09506000134352
let cheddar  = https://id.gs1.org/01/09520000000011
let foreign  = https://id.gs1.org/01/04007630000116
let market-gln = https://id.gs1.org/414/9506000135007
let P1 = urn:epc:id:sscc:9506000134.0000001
let P2 = urn:epc:id:sscc:9506000134.0000002
let P3 = urn:epc:id:sscc:9506000134.0000003

as dairy-root
party.Found members:=[{"id":"DairyMSP","name":"Dairies","ca":"{file:ca-dairy.pem}"},{"id":"HarbourMSP","name":"Harbour and shops","ca":"{file:ca-harbour.pem}"},{"id":"AuthorityMSP","name":"Authorities","ca":"{file:ca-authority.pem}","authority":true}]
party.Register id=greenfield-dairy name="Greenfield Dairy" nameZh=绿野乳业 kinds=[manufacturer] prefixes=[9506000134] glns=[9506000134352]
party.Register id=hilltop-cheese name="Hilltop Cheese" kinds=[processor] prefixes=[9520000]
as harbour-root
party.Register id=harbour-logistics name="Harbour Logistics" kinds=[carrier]
party.Register id=city-market name="City Market" kinds=[retailer] glns=[9506000135007]
as authority-root
party.Register id=food-safety name="Food Safety Office" kinds=[regulator] field=food
