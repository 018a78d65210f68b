package gs1

// temperature is the one dimension whose units have an offset.
const temperature = "temperature"

// units lists what EPCIS quantities and sensor reports are measured in. Factors
// are exact by definition of the unit: 1 lb is 0.45359237 kg. A unit whose
// factor is a measured or an irrational number (radian) stands
// in a dimension of its own or is left out, and so are months and years, which
// have no fixed length. Volumes are in litres, masses in kilograms.
var units = []struct{ code, symbol, name, nameZh, dimension, factor, offset string }{
	{"KGM", "kg", "kilogram", "千克", "mass", "1", ""},
	{"GRM", "g", "gram", "克", "mass", "1/1000", ""},
	{"MGM", "mg", "milligram", "毫克", "mass", "1e-6", ""},
	{"MC", "µg", "microgram", "微克", "mass", "1e-9", ""},
	{"CGM", "cg", "centigram", "厘克", "mass", "1e-5", ""},
	{"DG", "dg", "decigram", "分克", "mass", "1e-4", ""},
	{"DJ", "dag", "decagram", "十克", "mass", "1/100", ""},
	{"HGM", "hg", "hectogram", "百克", "mass", "1/10", ""},
	{"TNE", "t", "tonne", "吨", "mass", "1000", ""},
	{"2U", "Mg", "megagram", "兆克", "mass", "1000", ""},
	{"DTN", "dt", "decitonne", "公担", "mass", "100", ""},
	{"KTN", "kt", "kilotonne", "千吨", "mass", "1e6", ""},
	{"CTM", "ct", "metric carat", "克拉", "mass", "0.0002", ""},
	{"LBR", "lb", "pound", "磅", "mass", "0.45359237", ""},
	{"ONZ", "oz", "ounce", "盎司", "mass", "0.028349523125", ""},
	{"APZ", "tr oz", "troy ounce", "金衡盎司", "mass", "0.0311034768", ""},
	{"GRN", "gr", "grain", "格令", "mass", "0.00006479891", ""},
	{"STI", "st", "stone (UK)", "英石", "mass", "6.35029318", ""},
	{"CWA", "cwt (US)", "hundredweight (US)", "美担", "mass", "45.359237", ""},
	{"CWI", "cwt (UK)", "hundredweight (UK)", "英担", "mass", "50.80234544", ""},
	{"STN", "ton (US)", "short ton (US)", "短吨", "mass", "907.18474", ""},
	{"LTN", "ton (UK)", "long ton (UK)", "长吨", "mass", "1016.0469088", ""},

	{"LTR", "l", "litre", "升", "volume", "1", ""},
	{"MLT", "ml", "millilitre", "毫升", "volume", "1/1000", ""},
	{"4G", "µl", "microlitre", "微升", "volume", "1e-6", ""},
	{"CLT", "cl", "centilitre", "厘升", "volume", "1/100", ""},
	{"DLT", "dl", "decilitre", "分升", "volume", "1/10", ""},
	{"A44", "dal", "decalitre", "十升", "volume", "10", ""},
	{"HLT", "hl", "hectolitre", "百升", "volume", "100", ""},
	{"K6", "kl", "kilolitre", "千升", "volume", "1000", ""},
	{"MTQ", "m³", "cubic metre", "立方米", "volume", "1000", ""},
	{"DMQ", "dm³", "cubic decimetre", "立方分米", "volume", "1", ""},
	{"CMQ", "cm³", "cubic centimetre", "立方厘米", "volume", "1/1000", ""},
	{"MMQ", "mm³", "cubic millimetre", "立方毫米", "volume", "1e-6", ""},
	{"INQ", "in³", "cubic inch", "立方英寸", "volume", "0.016387064", ""},
	{"FTQ", "ft³", "cubic foot", "立方英尺", "volume", "28.316846592", ""},
	{"YDQ", "yd³", "cubic yard", "立方码", "volume", "764.554857984", ""},
	{"GLL", "gal (US)", "gallon (US)", "美制加仑", "volume", "3.785411784", ""},
	{"GLI", "gal (UK)", "gallon (UK)", "英制加仑", "volume", "4.54609", ""},
	{"GLD", "dry gal (US)", "dry gallon (US)", "美制干量加仑", "volume", "4.40488377086", ""},
	{"QTL", "liq qt (US)", "liquid quart (US)", "美制液量夸脱", "volume", "0.946352946", ""},
	{"QTD", "dry qt (US)", "dry quart (US)", "美制干量夸脱", "volume", "1.101220942715", ""},
	{"QTI", "qt (UK)", "quart (UK)", "英制夸脱", "volume", "1.1365225", ""},
	{"PTL", "liq pt (US)", "liquid pint (US)", "美制液量品脱", "volume", "0.473176473", ""},
	{"PTD", "dry pt (US)", "dry pint (US)", "美制干量品脱", "volume", "0.5506104713575", ""},
	{"PTI", "pt (UK)", "pint (UK)", "英制品脱", "volume", "0.56826125", ""},
	{"OZA", "fl oz (US)", "fluid ounce (US)", "美制液量盎司", "volume", "0.0295735295625", ""},
	{"OZI", "fl oz (UK)", "fluid ounce (UK)", "英制液量盎司", "volume", "0.0284130625", ""},
	{"BLL", "barrel (US)", "petroleum barrel (US)", "桶(石油)", "volume", "158.987294928", ""},
	{"BUA", "bu (US)", "bushel (US)", "美制蒲式耳", "volume", "35.23907016688", ""},
	{"BUI", "bu (UK)", "bushel (UK)", "英制蒲式耳", "volume", "36.36872", ""},

	{"MTR", "m", "metre", "米", "length", "1", ""},
	{"DMT", "dm", "decimetre", "分米", "length", "1/10", ""},
	{"CMT", "cm", "centimetre", "厘米", "length", "1/100", ""},
	{"MMT", "mm", "millimetre", "毫米", "length", "1/1000", ""},
	{"4H", "µm", "micrometre", "微米", "length", "1e-6", ""},
	{"C45", "nm", "nanometre", "纳米", "length", "1e-9", ""},
	{"KMT", "km", "kilometre", "千米", "length", "1000", ""},
	{"INH", "in", "inch", "英寸", "length", "0.0254", ""},
	{"FOT", "ft", "foot", "英尺", "length", "0.3048", ""},
	{"YRD", "yd", "yard", "码", "length", "0.9144", ""},
	{"SMI", "mile", "statute mile", "英里", "length", "1609.344", ""},
	{"NMI", "n mile", "nautical mile", "海里", "length", "1852", ""},

	{"MTK", "m²", "square metre", "平方米", "area", "1", ""},
	{"DMK", "dm²", "square decimetre", "平方分米", "area", "1/100", ""},
	{"CMK", "cm²", "square centimetre", "平方厘米", "area", "1e-4", ""},
	{"MMK", "mm²", "square millimetre", "平方毫米", "area", "1e-6", ""},
	{"KMK", "km²", "square kilometre", "平方千米", "area", "1e6", ""},
	{"ARE", "a", "are", "公亩", "area", "100", ""},
	{"HAR", "ha", "hectare", "公顷", "area", "10000", ""},
	{"ACR", "acre", "acre", "英亩", "area", "4046.8564224", ""},
	{"INK", "in²", "square inch", "平方英寸", "area", "0.00064516", ""},
	{"FTK", "ft²", "square foot", "平方英尺", "area", "0.09290304", ""},
	{"YDK", "yd²", "square yard", "平方码", "area", "0.83612736", ""},
	{"MIK", "mile²", "square mile", "平方英里", "area", "2589988.110336", ""},

	{"H87", "pcs", "piece", "件", "count", "1", ""},
	{"EA", "ea", "each", "个", "count", "1", ""},
	{"C62", "1", "one", "一", "count", "1", ""},
	{"NAR", "articles", "number of articles", "物品数", "count", "1", ""},
	{"PR", "pr", "pair", "双", "count", "2", ""},
	{"DZN", "doz", "dozen", "打", "count", "12", ""},
	{"DPC", "doz", "dozen piece", "打件", "count", "12", ""},
	{"SCO", "score", "score", "廿", "count", "20", ""},
	{"CEN", "hundred", "hundred", "百", "count", "100", ""},
	{"MIL", "thousand", "thousand", "千", "count", "1000", ""},
	{"T3", "thousand", "thousand piece", "千件", "count", "1000", ""},
	{"MIO", "million", "million", "百万", "count", "1e6", ""},
	{"GRO", "gr", "gross", "罗", "count", "144", ""},
	{"GGR", "great gross", "great gross", "大罗", "count", "1728", ""},

	{"KEL", "K", "kelvin", "开尔文", temperature, "1", ""},
	{"CEL", "°C", "degree Celsius", "摄氏度", temperature, "1", "273.15"},
	{"FAH", "°F", "degree Fahrenheit", "华氏度", temperature, "5/9", "45967/180"},
	{"A48", "°R", "degree Rankine", "兰氏度", temperature, "5/9", ""},

	{"P1", "%", "percent", "百分比", "ratio", "1", ""},
	{"NX", "‰", "per mille", "千分比", "ratio", "1/10", ""},
	{"59", "ppm", "part per million", "百万分率", "ratio", "1e-4", ""},
	{"61", "ppb", "part per billion", "十亿分率", "ratio", "1e-7", ""},

	{"SEC", "s", "second", "秒", "time", "1", ""},
	{"C26", "ms", "millisecond", "毫秒", "time", "1/1000", ""},
	{"B98", "µs", "microsecond", "微秒", "time", "1e-6", ""},
	{"MIN", "min", "minute", "分钟", "time", "60", ""},
	{"HUR", "h", "hour", "小时", "time", "3600", ""},
	{"DAY", "d", "day", "天", "time", "86400", ""},
	{"WEE", "wk", "week", "周", "time", "604800", ""},

	{"MTS", "m/s", "metre per second", "米每秒", "speed", "1", ""},
	{"KMH", "km/h", "kilometre per hour", "千米每小时", "speed", "5/18", ""},
	{"HM", "mile/h", "mile per hour", "英里每小时", "speed", "0.44704", ""},
	{"KNT", "kn", "knot", "节", "speed", "463/900", ""},
	{"FS", "ft/s", "foot per second", "英尺每秒", "speed", "0.3048", ""},
	{"C16", "mm/s", "millimetre per second", "毫米每秒", "speed", "1/1000", ""},

	{"MSK", "m/s²", "metre per second squared", "米每二次方秒", "acceleration", "1", ""},
	{"K40", "gₙ", "standard acceleration of free fall", "标准重力加速度", "acceleration", "9.80665", ""},

	{"PAL", "Pa", "pascal", "帕斯卡", "pressure", "1", ""},
	{"A97", "hPa", "hectopascal", "百帕", "pressure", "100", ""},
	{"KPA", "kPa", "kilopascal", "千帕", "pressure", "1000", ""},
	{"MPA", "MPa", "megapascal", "兆帕", "pressure", "1e6", ""},
	{"BAR", "bar", "bar", "巴", "pressure", "1e5", ""},
	{"MBR", "mbar", "millibar", "毫巴", "pressure", "100", ""},
	{"ATM", "atm", "standard atmosphere", "标准大气压", "pressure", "101325", ""},
	{"HN", "mmHg", "conventional millimetre of mercury", "毫米汞柱", "pressure", "133.322387415", ""},
	{"PS", "psi", "pound-force per square inch", "磅每平方英寸", "pressure", "44482216152605/6451600000", ""},

	{"KMQ", "kg/m³", "kilogram per cubic metre", "千克每立方米", "mass concentration", "1", ""},
	{"A93", "g/m³", "gram per cubic metre", "克每立方米", "mass concentration", "1/1000", ""},
	{"GP", "mg/m³", "milligram per cubic metre", "毫克每立方米", "mass concentration", "1e-6", ""},
	{"GQ", "µg/m³", "microgram per cubic metre", "微克每立方米", "mass concentration", "1e-9", ""},
	{"GL", "g/l", "gram per litre", "克每升", "mass concentration", "1", ""},
	{"M1", "mg/l", "milligram per litre", "毫克每升", "mass concentration", "1/1000", ""},
	{"23", "g/cm³", "gram per cubic centimetre", "克每立方厘米", "mass concentration", "1000", ""},

	{"C36", "mol/m³", "mole per cubic metre", "摩尔每立方米", "amount concentration", "1", ""},
	{"C35", "mol/dm³", "mole per cubic decimetre", "摩尔每立方分米", "amount concentration", "1000", ""},
	{"C38", "mol/l", "mole per litre", "摩尔每升", "amount concentration", "1000", ""},

	{"C34", "mol", "mole", "摩尔", "amount of substance", "1", ""},

	{"Q30", "pH", "pH (potential of hydrogen)", "酸碱度", "acidity", "1", ""},

	{"DD", "°", "degree (angle)", "度", "angle", "1", ""},
	{"D61", "′", "minute (angle)", "角分", "angle", "1/60", ""},
	{"D62", "″", "second (angle)", "角秒", "angle", "1/3600", ""},

	{"C81", "rad", "radian", "弧度", "angle in radians", "1", ""},

	{"LUX", "lx", "lux", "勒克斯", "illuminance", "1", ""},

	{"A24", "cd/m²", "candela per square metre", "坎德拉每平方米", "luminance", "1", ""},

	{"LUM", "lm", "lumen", "流明", "luminous flux", "1", ""},

	{"CDL", "cd", "candela", "坎德拉", "luminous intensity", "1", ""},

	{"D54", "W/m²", "watt per square metre", "瓦每平方米", "irradiance", "1", ""},

	{"2N", "dB", "decibel", "分贝", "sound level", "1", ""},

	{"HTZ", "Hz", "hertz", "赫兹", "frequency", "1", ""},
	{"KHZ", "kHz", "kilohertz", "千赫", "frequency", "1000", ""},
	{"MHZ", "MHz", "megahertz", "兆赫", "frequency", "1e6", ""},
	{"A86", "GHz", "gigahertz", "吉赫", "frequency", "1e9", ""},

	{"RPM", "r/min", "revolutions per minute", "转每分钟", "rotation", "1", ""},
	{"RPS", "r/s", "revolutions per second", "转每秒", "rotation", "60", ""},

	{"NEW", "N", "newton", "牛顿", "force", "1", ""},
	{"B47", "kN", "kilonewton", "千牛", "force", "1000", ""},

	{"NU", "N·m", "newton metre", "牛顿米", "torque", "1", ""},

	{"JOU", "J", "joule", "焦耳", "energy", "1", ""},
	{"KJO", "kJ", "kilojoule", "千焦", "energy", "1000", ""},
	{"3B", "MJ", "megajoule", "兆焦", "energy", "1e6", ""},
	{"WHR", "W·h", "watt hour", "瓦时", "energy", "3600", ""},
	{"KWH", "kW·h", "kilowatt hour", "千瓦时", "energy", "3600000", ""},

	{"WTT", "W", "watt", "瓦", "power", "1", ""},
	{"C31", "mW", "milliwatt", "毫瓦", "power", "1/1000", ""},
	{"KWT", "kW", "kilowatt", "千瓦", "power", "1000", ""},
	{"MAW", "MW", "megawatt", "兆瓦", "power", "1e6", ""},

	{"VLT", "V", "volt", "伏", "voltage", "1", ""},
	{"2Z", "mV", "millivolt", "毫伏", "voltage", "1/1000", ""},
	{"KVT", "kV", "kilovolt", "千伏", "voltage", "1000", ""},

	{"AMP", "A", "ampere", "安", "current", "1", ""},
	{"4K", "mA", "milliampere", "毫安", "current", "1/1000", ""},

	{"OHM", "Ω", "ohm", "欧姆", "resistance", "1", ""},

	{"COU", "C", "coulomb", "库仑", "electric charge", "1", ""},
	{"AMH", "A·h", "ampere hour", "安时", "electric charge", "3600", ""},

	{"FAR", "F", "farad", "法拉", "capacitance", "1", ""},

	{"SIE", "S", "siemens", "西门子", "conductance", "1", ""},

	{"D10", "S/m", "siemens per metre", "西门子每米", "conductivity", "1", ""},
	{"H43", "S/cm", "siemens per centimetre", "西门子每厘米", "conductivity", "100", ""},
	{"H61", "mS/cm", "millisiemens per centimetre", "毫西门子每厘米", "conductivity", "1/10", ""},
	{"G42", "µS/cm", "microsiemens per centimetre", "微西门子每厘米", "conductivity", "1e-4", ""},

	{"81", "H", "henry", "亨利", "inductance", "1", ""},

	{"D33", "T", "tesla", "特斯拉", "magnetic flux density", "1", ""},

	{"WEB", "Wb", "weber", "韦伯", "magnetic flux", "1", ""},

	{"BQL", "Bq", "becquerel", "贝可勒尔", "radioactivity", "1", ""},
	{"2Q", "kBq", "kilobecquerel", "千贝可", "radioactivity", "1000", ""},

	{"A95", "Gy", "gray", "戈瑞", "absorbed dose", "1", ""},

	{"D13", "Sv", "sievert", "希沃特", "effective dose", "1", ""},
	{"C28", "mSv", "millisievert", "毫希", "effective dose", "1/1000", ""},

	{"P70", "Sv/h", "sievert per hour", "希沃特每小时", "effective dose rate", "1", ""},
	{"P71", "mSv/h", "millisievert per hour", "毫希每小时", "effective dose rate", "1/1000", ""},

	{"KAT", "kat", "katal", "开特", "catalytic activity", "1", ""},

	{"MQS", "m³/s", "cubic metre per second", "立方米每秒", "volume flow", "1", ""},
	{"MQH", "m³/h", "cubic metre per hour", "立方米每小时", "volume flow", "1/3600", ""},
	{"L2", "l/min", "litre per minute", "升每分钟", "volume flow", "1/60000", ""},

	{"KGS", "kg/s", "kilogram per second", "千克每秒", "mass flow", "1", ""},

	{"AD", "byte", "byte", "字节", "data", "1", ""},
	{"2P", "kB", "kilobyte", "千字节", "data", "1000", ""},
	{"4L", "MB", "megabyte", "兆字节", "data", "1e6", ""},

	{"2A", "rad/s", "radian per second", "弧度每秒", "angular velocity", "1", ""},

	{"C65", "Pa·s", "pascal second", "帕秒", "dynamic viscosity", "1", ""},
	{"C24", "mPa·s", "millipascal second", "毫帕秒", "dynamic viscosity", "1/1000", ""},
	{"89", "P", "poise", "泊", "dynamic viscosity", "1/10", ""},
	{"C7", "cP", "centipoise", "厘泊", "dynamic viscosity", "1/1000", ""},

	{"S4", "m²/s", "square metre per second", "平方米每秒", "kinematic viscosity", "1", ""},
	{"91", "St", "stokes", "斯托克斯", "kinematic viscosity", "1e-4", ""},
	{"4C", "cSt", "centistokes", "厘斯", "kinematic viscosity", "1e-6", ""},

	{"D74", "kg/mol", "kilogram per mole", "千克每摩尔", "molar mass", "1", ""},
	{"A94", "g/mol", "gram per mole", "克每摩尔", "molar mass", "1/1000", ""},

	{"28", "kg/m²", "kilogram per square metre", "千克每平方米", "surface density", "1", ""},
	{"GM", "g/m²", "gram per square metre", "克每平方米", "surface density", "1/1000", ""},

	{"4P", "N/m", "newton per metre", "牛顿每米", "surface tension", "1", ""},

	{"A39", "m³/kg", "cubic metre per kilogram", "立方米每千克", "specific volume", "1", ""},

	{"D27", "sr", "steradian", "球面度", "solid angle", "1", ""},

	// Packages, each its own kind: how much is in one, the master data knows.
	{"XBA", "barrel", "barrel", "桶", "number of barrels", "1", ""},
	{"XBE", "bundle", "bundle", "捆", "number of bundles", "1", ""},
	{"XBG", "bag", "bag", "袋", "number of bags", "1", ""},
	{"XBJ", "bucket", "bucket", "提桶", "number of buckets", "1", ""},
	{"XBO", "bottle", "bottle", "瓶", "number of bottles", "1", ""},
	{"XBX", "box", "box", "盒", "number of boxes", "1", ""},
	{"XCA", "can", "can", "罐", "number of cans", "1", ""},
	{"XCR", "crate", "crate", "板条箱", "number of crates", "1", ""},
	{"XCS", "case", "case", "箱", "number of cases", "1", ""},
	{"XCT", "carton", "carton", "纸箱", "number of cartons", "1", ""},
	{"XDR", "drum", "drum", "圆桶", "number of drums", "1", ""},
	{"XPK", "package", "package", "包装", "number of packages", "1", ""},
	{"XPX", "pallet", "pallet", "托盘", "number of pallets", "1", ""},
	{"XSA", "sack", "sack", "麻袋", "number of sacks", "1", ""},
	{"XTY", "tank", "tank", "罐", "number of tanks", "1", ""},
	{"XRO", "roll", "roll", "卷", "number of rolls", "1", ""},
	{"XTU", "tube", "tube", "管", "number of tubes", "1", ""},
	{"XJR", "jar", "jar", "广口瓶", "number of jars", "1", ""},
	{"XTR", "trunk", "trunk", "大箱", "number of trunks", "1", ""},
	{"XBI", "bin", "bin", "料箱", "number of bins", "1", ""},
	{"XPU", "tray", "tray", "浅盘", "number of trays", "1", ""},
	{"XPA", "packet", "packet", "小包", "number of packets", "1", ""},
	{"CS", "case", "case", "箱", "number of cases", "1", ""}, // XCS as older spreadsheets spell it
}
