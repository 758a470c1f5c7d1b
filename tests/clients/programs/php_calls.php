<?php
// What PHP's own clients get, by streams and by curl. Prints JSON, a line each.
const PATH = '://amazonpay.amazon.in/getDynamicConfig?key=serverSideSDKPHP';
foreach (['https', 'http'] as $scheme) {
    echo file_get_contents($scheme . PATH);
    $curl = curl_init($scheme . PATH);
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    echo curl_exec($curl);
}
