# A company links to what it tells of its own products and places, and takes links away.
include world.story
as dairy
trace.Link key=01/09506000134352 type=gs1:pip href=https://dairy.example/milk title="Fresh milk" titleZh=鲜牛奶 lang=en media=text/html default:=true
trace.Link key=https://id.gs1.org/01/09506000134352/10/L1 type=gs1:certificationInfo href=https://dairy.example/l1.pdf title="Laboratory report" media=application/pdf
trace.Link key=414/9506000134352 type=gs1:openingHoursInfo href=https://dairy.example/hours title="Opening hours"
trace.Link key=01/09506000134352 type=https://dairy.example/voc/farm href=https://dairy.example/farm title="The farm" lang=zh-CN
# The second default takes the first one's place; one set anew without the flag gives it up.
trace.Link key=01/09506000134352 type=gs1:recipeInfo href=https://dairy.example/recipes title=Recipes default:=true
trace.Link key=01/09506000134352 type=gs1:recipeInfo href=https://dairy.example/recipes title=Recipes
trace.Link key=01/09506000134353 type=gs1:pip href=https://dairy.example/ title=Milk             ! trace/link
trace.Link key=01/09506000134352 type=gs1:pip href=http://dairy.example/ title=Milk              ! trace/link
trace.Link key=01/09506000134352 type=gs1:pip href=https://me@dairy.example/ title=Milk          ! trace/link
trace.Link key=01/09506000134352 type=gs1:pip href=https://dairy.example/ title=" "              ! trace/link
trace.Link key=01/09506000134352 type=gs1:pip href=https://dairy.example/ title=Milk lang=english ! trace/link
trace.Link key=01/09506000134352 type=gs1:pip href=https://dairy.example/ title=Milk media=text/milk ! trace/link
trace.Link key=01/09506000134352 type=gs1:cow href=https://dairy.example/ title=Milk             ! trace/link-type
trace.Link key=01/09506000134352 type=gs1:defaultLink href=https://dairy.example/ title=Milk     ! trace/link-type
trace.Link key=01/09506000134352 type=https://dairy.example/voc/pip href=https://dairy.example/ title=Milk ! trace/link-type
trace.Link key=01/09506000134352 type=https://dairy.example/voc#farm href=https://dairy.example/ title=Milk ! trace/link-type
trace.Link key=01/04007630000116 type=gs1:pip href=https://dairy.example/ title=Foreign          ! trace/not-your-key
trace.Unlink key=01/09506000134352 id=00000000000000000000                                       ! trace/no-link
trace.Unlink key=01/09506000134352 id=78a40c38e304864ded1a
as cheese
trace.Link key=01/09506000134352 type=gs1:pip href=https://cheese.example/ title="Not ours"      ! trace/not-your-key
as market
trace.Link key=414/9506000135007 type=gs1:homepage href=https://market.example/ title="City Market"
