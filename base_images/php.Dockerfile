# Debian's PHP with Apache, behaving as the official image: foreground, logs to stdout, /var/www/html.
# The usual extensions are there already, so docker-php-ext-install only says so.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends apache2 libapache2-mod-php php-cli php-bcmath php-curl php-gd php-gmp \
    php-intl php-mbstring php-mysql php-pgsql php-soap php-sqlite3 php-xml php-xsl php-zip ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* /var/www/html/* \
 && mkdir -p /var/run/apache2 /var/lock/apache2 \
 && chmod 1777 /var/run/apache2 /var/lock/apache2 /var/log/apache2 \
 && ln -sf /dev/stdout /var/log/apache2/access.log \
 && ln -sf /dev/stderr /var/log/apache2/error.log \
 && ln -sf /dev/stdout /var/log/apache2/other_vhosts_access.log \
 && chown www-data:www-data /var/www/html \
 && php --version
COPY --chmod=755 php-ext-install /usr/local/bin/docker-php-ext-install
COPY --chmod=755 php-apache-foreground /usr/local/bin/apache2-foreground
WORKDIR /var/www/html
STOPSIGNAL SIGWINCH
EXPOSE 80
CMD ["apache2-foreground"]
