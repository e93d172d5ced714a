import MainstayHTTP
import MainstayInstruments

/// The answer to a scrape: written chunk by chunk, compressed if the client reads gzip.
struct ScrapeResponse: Sendable {
  let scrape: MetricsScrape
  let format: ExpositionFormat
  /// Families asked for (`name[]=…`); all, if empty.
  var names: Set<String> = []
  /// 1 to 9; nil: not compressed.
  var gzipLevel: Int?

  var response: Response {
    let names = names
    var chunks: [ByteBuffer] = []
    let includes: (MetricDescriptor) -> Bool = {
      names.isEmpty || names.contains($0.name) || names.contains($0.sampleName)
    }
    var headers: HTTPFields = [
      .contentType: format.contentType, .cacheControl: "no-store", .vary: "accept, accept-encoding",
    ]
    if let gzipLevel, var gzip = GzipWriter(level: Int32(clamping: gzipLevel)) {
      headers[.contentEncoding] = "gzip"
      scrape.write(as: format, where: includes) { bytes in gzip.write(bytes) { chunks.append(ByteBuffer(bytes: $0)) } }
      gzip.finish { chunks.append(ByteBuffer(bytes: $0)) }
    } else {
      scrape.write(as: format, where: includes) { chunks.append(ByteBuffer(bytes: $0)) }
    }
    return Response(status: .ok, headers: headers, body: ScrapeResponse.body(chunks))
  }

  private static func body(_ chunks: [ByteBuffer]) -> ResponseBody {
    let length = chunks.reduce(0) { $0 + $1.readableBytes }
    return ResponseBody(contentLength: length) { writer in
      for chunk in chunks { try await writer.write(chunk) }
      try await writer.finish(nil)
    }
  }
}
