package encoder

const (
	transfers = "undef bt709 bt470m bt470bg smpte170m smpte240m linear log100 log316 iec61966-2-4 bt1361e iec61966-2-1 " +
		"bt2020-10 bt2020-12 smpte2084 smpte428 arib-std-b67"
	levels = "1 1b 1.0 1.1 1.2 1.3 2 2.0 2.1 2.2 3 3.0 3.1 3.2 4 4.0 4.1 4.2 5 5.0 5.1 5.2 6 6.0 6.1 6.2 " +
		"9 10 11 12 13 20 21 22 30 31 32 40 41 42 50 51 52 60 61 62"
)

// x264Table is what may be asked of x264 (x264 --fullhelp, core 164).
var x264Table = table{command: "x264", help: "x264 --fullhelp", options: x264Options, short: x264Short,
	refused: x264Refused}

var x264Options = map[string]option{
	"preset":  {form: words, words: "ultrafast superfast veryfast faster fast medium slow slower veryslow placebo"},
	"tune":    {form: list, words: "film animation grain stillimage psnr ssim fastdecode zerolatency touhou"},
	"profile": {form: words, words: "baseline main high high10 high422 high444"},
	"level":   {form: words, words: levels},

	"output-csp":   {form: words, words: "i400 i420 i422 i444"},
	"output-depth": {form: words, words: "8 10"},

	"keyint":            {form: length},
	"min-keyint":        {form: integer},
	"scenecut":          {form: integer},
	"no-scenecut":       {form: flag},
	"intra-refresh":     {form: flag},
	"bframes":           {form: integer},
	"b-adapt":           {form: integer},
	"b-bias":            {form: integer},
	"b-pyramid":         {form: words, words: "none strict normal 0 1 2"},
	"no-b-pyramid":      {form: flag},
	"open-gop":          {form: flag},
	"cabac":             {form: flag},
	"no-cabac":          {form: flag},
	"ref":               {form: integer},
	"deblock":           {form: pair},
	"filter":            {form: pair, key: "deblock"},
	"no-deblock":        {form: flag},
	"nf":                {form: flag, key: "no-deblock"},
	"slices":            {form: integer},
	"slices-max":        {form: integer},
	"slice-max-size":    {form: integer},
	"slice-max-mbs":     {form: integer},
	"slice-min-mbs":     {form: integer},
	"tff":               {form: flag},
	"bff":               {form: flag},
	"interlaced":        {form: flag, key: "tff"},
	"no-interlaced":     {form: flag, key: "no-tff"},
	"constrained-intra": {form: flag},
	"fake-interlaced":   {form: flag},
	"frame-packing":     {form: integer},

	"qp":               {form: integer},
	"bitrate":          {form: integer, note: bitrateNote},
	"crf":              {form: number},
	"rc-lookahead":     {form: integer},
	"vbv-maxrate":      {form: integer},
	"vbv-bufsize":      {form: integer},
	"vbv-init":         {form: number},
	"crf-max":          {form: number},
	"qpmin":            {form: integer},
	"qpmax":            {form: integer},
	"qpstep":           {form: integer},
	"ratetol":          {form: number},
	"ipratio":          {form: number},
	"pbratio":          {form: number},
	"chroma-qp-offset": {form: integer},
	"aq-mode":          {form: integer},
	"aq-strength":      {form: number},
	"mbtree":           {form: flag},
	"no-mbtree":        {form: flag},
	"qcomp":            {form: number},
	"cplxblur":         {form: number},
	"qblur":            {form: number},

	"partitions":      {form: list, words: "p8x8 p4x4 b8x8 i8x8 i4x4 none all"},
	"analyse":         {form: list, words: "p8x8 p4x4 b8x8 i8x8 i4x4 none all", key: "partitions"},
	"direct":          {form: words, words: "none spatial temporal auto"},
	"weightb":         {form: flag},
	"no-weightb":      {form: flag},
	"weightp":         {form: integer},
	"me":              {form: words, words: "dia hex umh esa tesa"},
	"merange":         {form: integer},
	"mvrange":         {form: integer},
	"mvrange-thread":  {form: integer},
	"subme":           {form: integer},
	"psy-rd":          {form: pair},
	"psy":             {form: flag},
	"no-psy":          {form: flag},
	"mixed-refs":      {form: flag},
	"no-mixed-refs":   {form: flag},
	"chroma-me":       {form: flag},
	"no-chroma-me":    {form: flag},
	"8x8dct":          {form: flag},
	"no-8x8dct":       {form: flag},
	"trellis":         {form: integer},
	"fast-pskip":      {form: flag},
	"no-fast-pskip":   {form: flag},
	"dct-decimate":    {form: flag},
	"no-dct-decimate": {form: flag},
	"nr":              {form: integer},
	"deadzone-inter":  {form: integer},
	"deadzone-intra":  {form: integer},
	// libx264 takes any other word here for a file's name.
	"cqm":    {form: words, words: "flat jvt"},
	"cqm4":   {form: numbers},
	"cqm4i":  {form: numbers},
	"cqm4iy": {form: numbers},
	"cqm4ic": {form: numbers},
	"cqm4p":  {form: numbers},
	"cqm4py": {form: numbers},
	"cqm4pc": {form: numbers},
	"cqm8":   {form: numbers},
	"cqm8i":  {form: numbers},
	"cqm8p":  {form: numbers},

	"overscan":    {form: words, words: "undef show crop"},
	"videoformat": {form: words, words: "component pal ntsc secam mac undef"},
	"range":       {form: words, words: "auto tv pc"},
	"colorprim": {form: words, words: "undef bt709 bt470m bt470bg smpte170m smpte240m film bt2020 smpte428 smpte431 " +
		"smpte432"},
	"transfer": {form: words, words: transfers},
	"colormatrix": {form: words, words: "undef bt709 fcc bt470bg smpte170m smpte240m GBR YCgCo bt2020nc bt2020c " +
		"smpte2085 " +
		"chroma-derived-nc chroma-derived-c ICtCp"},
	"chromaloc":            {form: integer},
	"alternative-transfer": {form: words, words: transfers},
	"mastering-display":    {form: display},
	"cll":                  {form: light},
	"nal-hrd":              {form: words, words: "none vbr"},
	"pic-struct":           {form: flag},
	"crop-rect":            {form: numbers},
	"sar":                  {form: ratio},

	"bluray-compat":     {form: flag},
	"avcintra-class":    {form: words, words: "50 100 200 300 480"},
	"avcintra-flavor":   {form: words, words: "panasonic sony"},
	"sliced-threads":    {form: flag},
	"no-sliced-threads": {form: flag},
	"sync-lookahead":    {form: integer},
	"non-deterministic": {form: flag},
	"cpu-independent":   {form: flag},
	"sps-id":            {form: integer},
	"aud":               {form: flag},

	"stitchable": {ignored: true}, // it always is
	"threads":    {form: count, ignored: true, note: "--threads is not used: each worker chooses by its cores"},
	"lookahead-threads": {form: count, ignored: true, note: "--lookahead-threads is not used: each worker chooses by " +
		"its cores"},
	"verbose":     {ignored: true},
	"quiet":       {ignored: true},
	"no-progress": {ignored: true},
	"psnr":        {ignored: true},
	"ssim":        {ignored: true},
}

// bitrateNote is what a bitrate means where a film is encoded in chunks.
const bitrateNote = "--bitrate: each chunk is brought to this bitrate for itself, so quality varies more than in one " +
	"encode; --crf gives an even quality, and size = \"2500k\" in the profile does too"

// x264Short are the command's one-letter options.
var x264Short = map[byte]string{
	'I': "keyint", 'i': "min-keyint", 'b': "bframes", 'r': "ref", 'f': "deblock", 'q': "qp", 'B': "bitrate",
	'A': "partitions", 'm': "subme", 't': "trellis", 'w': "weightb", '8': "8x8dct", 'v': "verbose",
	'p': "pass", 'o': "output", 'h': "help", 'V': "version",
}

// The reasons why options of the x264 command are refused, for the person who wrote them.
const (
	noFile    = "files are chosen by the job, and no other is read or written"
	noTiming  = "every frame keeps the source's own timestamp"
	noFrames  = "every frame of the source is encoded, and numbers would count from each chunk's start"
	noTwoPass = "chunks are encoded in one pass; use --crf, or size in the profile"
	noMachine = "it depends on the machine, and all chunks are encoded alike"
)

var x264Refused = map[string]string{
	"output": noFile, "muxer": "the profile's container decides it", "demuxer": noFile, "input-fmt": noFile,
	"input-csp":   noFile,
	"input-depth": noFile, "input-range": noFile, "input-res": noFile, "index": noFile, "audiofile": noFile,
	"dump-yuv": noFile, "cqmfile": "it reads a file; use --cqm4 and --cqm8", "log-file": noFile, "log-file-level": noFile,
	"log-level": "the daemon's own log has everything", "thread-input": noFile,
	"pass": noTwoPass, "stats": noTwoPass, "slow-firstpass": noTwoPass,
	"fps": noTiming, "force-cfr": noTiming, "tcfile-in": noTiming, "tcfile-out": noTiming, "timebase": noTiming,
	"pulldown": noTiming, "dts-compress": noTiming,
	"frames": noFrames, "seek": noFrames, "qpfile": noFrames, "zones": noFrames,
	"filler": "a constant bitrate can't be kept across chunks; use --vbv-maxrate and --vbv-bufsize",
	"vf":     "pictures are not filtered", "video-filter": "pictures are not filtered",
	"asm": noMachine, "no-asm": noMachine, "opencl": noMachine, "opencl-clbin": noMachine, "opencl-device": noMachine,
	"help": "it encodes nothing", "longhelp": "it encodes nothing", "fullhelp": "it encodes nothing",
	"version": "it encodes nothing",
}
