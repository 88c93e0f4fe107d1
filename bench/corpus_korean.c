/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_korean.c - what the services of a shop in Seoul say: whole sentences, particles and
 * verb endings glued to words, numbers and Latin letters among Hangul.
 */
#include "bench/corpus_kinds.h"

#define DEBUG  LC_LEVEL_DEBUG
#define INFO   LC_LEVEL_INFO
#define NOTICE LC_LEVEL_NOTICE
#define WARN   LC_LEVEL_WARN
#define ERROR  LC_LEVEL_ERROR
#define CRIT   LC_LEVEL_CRIT

static const struct corpus_template payment[] = {
    {INFO, 20,
     "주문번호 %{seq}의 결제가 승인되었습니다. 카드사=%{card}카드, 승인번호=%{digits:8}, "
     "금액=%{skew:3-900},%{digits:3}원, 할부=%{any:일시불|일시불|2개월|3개월|6개월}"},
    {INFO, 6,
     "주문번호 %{seq}의 결제 취소 요청을 접수했습니다. 사유: %{any:단순 변심|배송 지연|상품 "
     "불량|중복 결제}"},
    {WARN, 3,
     "%{card}카드 승인 서버의 응답이 늦습니다(%{int:1000-9000}ms). %{int:1-3}번째 다시 시도합니다"},
    {ERROR, 2,
     "결제에 실패했습니다: 한도를 초과했습니다. 주문번호=%{seq}, 회원=%{name}, 카드사=%{card}카드"},
    {CRIT, 1, "결제 대행사와 연결이 끊어졌습니다. 대기 중인 거래 %{skew:1-900}건을 보류합니다"},
};

static const struct corpus_template order[] = {
    {INFO, 20, "%{name} 회원이 '%{goods}' 상품 %{int:1-5}개를 주문했습니다 (주문번호 %{seq})"},
    {INFO, 8,
     "주문번호 %{seq} 상태 변경: %{any:결제 완료 -> 상품 준비 중|상품 준비 중 -> 배송 시작|배송 "
     "시작 -> 배송 완료}"},
    {WARN, 4, "'%{goods}' 재고가 %{int:0-9}개 남았습니다. 발주가 필요합니다"},
    {ERROR, 1,
     "주문번호 %{seq}을 처리하는 중 오류가 발생했습니다: 재고를 차감할 수 없습니다 (상품=%{goods}, "
     "요청=%{int:1-20}, 재고=%{int:0-3})"},
};

static const struct corpus_template member[] = {
    {INFO, 14,
     "%{name} 회원이 로그인했습니다. 접속 주소=%{ip}, 기기=%{any:안드로이드|아이폰|웹 브라우저}"},
    {WARN, 5, "비밀번호를 %{int:1-5}회 잘못 입력했습니다. 계정=%{mail}, 접속 주소=%{ip}"},
    {INFO, 4, "회원 가입을 축하합니다 문자를 %{name} 회원에게 보냈습니다 🎉"},
    {NOTICE, 2, "%{name} 회원의 계정이 잠겼습니다. 로그인 실패 횟수가 한도를 넘었습니다"},
};

static const struct corpus_template delivery[] = {
    {INFO, 12,
     "운송장 %{digits:12}: %{center} 물류센터에서 %{any:입고|분류|출고|인수}되었습니다 "
     "(%{courier})"},
    {INFO, 8, "%{city} 지역 배송을 시작합니다. 기사=%{name}, 남은 물량=%{skew:1-300}개"},
    {WARN, 3,
     "%{city} 지역은 %{any:폭설|교통 체증|물량 증가|주소 오류}로 배송이 %{int:1-48}시간 늦어질 수 "
     "있습니다"},
    {ERROR, 1,
     "운송장 %{digits:12}의 위치를 조회하지 못했습니다: %{courier} 서버가 응답하지 않습니다"},
};

static const struct corpus_template notify[] = {
    {INFO, 10,
     "알림톡 발송을 마쳤습니다. 대상 %{skew:1-90000}명, 성공 %{skew:1-90000}명, 실패 "
     "%{int:0-40}명, 걸린 시간 %{int:1-90}.%{digits:1}초"},
    {DEBUG, 6, "알림 대기열에서 %{skew:1-900}건을 꺼냈습니다. 남은 건수=%{skew:0-90000}"},
    {ERROR, 1, "%{name} 회원에게 보낸 문자가 반송되었습니다: 수신 거부된 번호입니다"},
};

static const struct corpus_template batch[] = {
    {INFO, 6, "배치 작업 '%{job}'을 시작합니다 (실행 번호 %{seq})"},
    {INFO, 6,
     "배치 작업 '%{job}'을 마쳤습니다. 처리 %{skew:1-900000}건, 건너뜀 %{int:0-90}건, 걸린 시간 "
     "%{int:1-59}분 %{int:0-59}초"},
    {WARN, 1, "배치 작업 '%{job}'이 예상보다 오래 걸리고 있습니다 (%{int:61-300}분 경과)"},
    {ERROR, 1,
     "배치 작업 '%{job}'이 실패했습니다: 데이터베이스 연결 시간이 초과되었습니다 (%{host:db})"},
};

static const struct corpus_template guard[] = {
    {WARN, 5,
     "%{ip}에서 %{int:10-900}초 동안 %{skew:50-9000}번의 비정상 요청을 감지하여 차단했습니다. "
     "경로=%{path}"},
    {NOTICE, 3, "관리자 %{name}님이 차단 목록에서 %{ip}를 해제했습니다"},
    {CRIT, 1,
     "개인정보 조회 횟수가 기준을 넘었습니다. 직원=%{name}, 조회=%{skew:100-9000}건. 담당자의 "
     "확인이 필요합니다"},
};

static const struct corpus_kind kinds[] = {
    CORPUS_KIND("payment-kr", 16, "seoul", 8, 34, payment),
    CORPUS_KIND("order-kr", 16, "seoul", 8, 34, order),
    CORPUS_KIND("member-kr", 16, "seoul", 8, 24, member),
    CORPUS_KIND("delivery-kr", 16, "seoul", 8, 24, delivery),
    CORPUS_KIND("notify-kr", 16, "busan", 3, 10, notify),
    CORPUS_KIND("batch-kr", 9, "busan", 3, 6, batch),
    CORPUS_KIND("guard-kr", 10, "busan", 3, 8, guard),
};

const struct corpus_kinds corpus_kinds_korean = {kinds, LC_ARRAY_LEN(kinds)};
