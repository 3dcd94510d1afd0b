package kameng.sdk;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What goes over the wire. Money is a decimal as text ({@code new BigDecimal(order.total())} is exact), ids are text,
 * times are RFC 3339 in UTC. A member that may be left out is null; members newer than this SDK are overlooked.
 */
public final class Models {
    private Models() {}

@models@
}
