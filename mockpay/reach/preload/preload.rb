# Ruby (-r): sockets for the impersonated hosts are led to the sandbox, also where a client was told to use no proxy.
require "json"
require "socket"

module MockpayReach
  REACH = JSON.parse(File.read(File.join(__dir__, "reach.json")))

  def self.lead(host, port)
    instead = REACH["ports"][port.to_s] if REACH["hosts"].include?(host.to_s.downcase.chomp("."))
    instead ? ["127.0.0.1", instead] : [host, port]
  end

  module Connect
    def initialize(host = nil, port = nil, *args, **options)
      super(*MockpayReach.lead(host, port), *args, **options)
    end
  end

  module Tcp
    def tcp(host, port, *args, **options, &block)
      super(*MockpayReach.lead(host, port), *args, **options, &block)
    end
  end
end

TCPSocket.prepend(MockpayReach::Connect)
Socket.singleton_class.prepend(MockpayReach::Tcp)
