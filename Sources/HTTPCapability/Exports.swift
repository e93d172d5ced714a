// A handler is written in these types, so a plugin gets them with `import MainstayHTTP` alone.
@_exported public import struct HTTPTypes.HTTPField
@_exported public import struct HTTPTypes.HTTPFields
@_exported public import struct HTTPTypes.HTTPRequest
@_exported public import struct HTTPTypes.HTTPResponse
@_exported public import struct Hummingbird.ByteBuffer
@_exported public import struct Hummingbird.Request
@_exported public import struct Hummingbird.RequestBody
@_exported public import struct Hummingbird.Response
@_exported public import struct Hummingbird.ResponseBody
@_exported public import protocol Hummingbird.ResponseBodyWriter
