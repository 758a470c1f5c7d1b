# What Ruby's own client gets, also where it is told to use no proxy. Prints JSON, a line each.
require "net/http"

uri = URI("https://amazonpay.amazon.in/getDynamicConfig?key=serverSideSDKRUBY")
puts Net::HTTP.get(uri)
puts Net::HTTP.get(URI(uri.to_s.sub("https", "http")))
direct = Net::HTTP.new(uri.host, uri.port, nil)
direct.use_ssl = true
puts direct.get(uri.request_uri).body
