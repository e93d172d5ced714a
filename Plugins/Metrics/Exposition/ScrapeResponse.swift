import MainstayHTTP
import MainstayInstruments

/// The answer to a scrape: written piece by piece as the client takes it, compressed if the client reads gzip. However many series
/// there are, no more than a piece of them is in memory.
struct ScrapeResponse: Sendable {
  let scrape: MetricsScrape
  let format: ExpositionFormat
  /// Families asked for (`name[]=…`); all, if empty.
  var names: Set<String> = []
  /// 1 to 9; nil: not compressed.
  var gzipLevel: Int?

  var response: Response {
    var headers: HTTPFields = [
      .contentType: format.contentType, .cacheControl: "no-store", .vary: "accept, accept-encoding",
    ]
    if gzipLevel != nil { headers[.contentEncoding] = "gzip" }
    return Response(status: .ok, headers: headers, body: gzipLevel.map { compressed(Int32(clamping: $0)) } ?? plain)
  }

  private var pieces: ScrapePieces {
    scrape.pieces(as: format) { names.isEmpty || names.contains($0.name) || names.contains($0.sampleName) }
  }

  private var plain: ResponseBody {
    ResponseBody { writer in
      let pieces = pieces
      while let piece = pieces.next() { try await writer.write(ByteBuffer(bytes: piece)) }
      try await writer.finish(nil)
    }
  }

  private func compressed(_ level: Int32) -> ResponseBody {
    ResponseBody { writer in
      guard var gzip = GzipWriter(level: level) else {
        throw HTTPProblem(.serviceUnavailable, "There is no memory to compress the answer; ask without gzip.")
      }
      let pieces = pieces
      var isOver = false
      while !isOver {
        var buffer = ByteBuffer()
        if let piece = pieces.next() {
          gzip.write(piece) { buffer.writeBytes($0) }
        } else {
          gzip.finish { buffer.writeBytes($0) }
          isOver = true
        }
        if buffer.readableBytes > 0 { try await writer.write(buffer) }
      }
      try await writer.finish(nil)
    }
  }
}
