import HTTPTypes
public import MainstayKernel

extension Response {
  /// A JSON response.
  public static func json(
    _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) throws -> Response {
    json(try JSONValue(encoding: value), status: status, headers: headers)
  }

  /// A JSON response.
  public static func json(
    _ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    bytes(ByteBuffer(bytes: value.utf8()), contentType: "application/json", status: status, headers: headers)
  }

  /// A response of plain text.
  public static func text(
    _ text: String, contentType: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok,
    headers: HTTPFields = [:]
  ) -> Response {
    bytes(ByteBuffer(string: text), contentType: contentType, status: status, headers: headers)
  }

  /// A response of bytes.
  public static func bytes(
    _ buffer: ByteBuffer, contentType: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    var headers = headers
    headers[.contentType] = contentType
    return Response(status: status, headers: headers, body: .init(byteBuffer: buffer))
  }

  /// A response without a body, of status 204.
  public static var noContent: Response { Response(status: .noContent) }
}
